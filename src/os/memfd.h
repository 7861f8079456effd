/* Memory without a name, for anonymous objects. */
#ifndef FERRY_MEMFD_H
#define FERRY_MEMFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A memfd of this size, reserved up to reserve_bytes and sealed: nobody can shrink, grow or unseal
 * it.  mode decides who may open it again through /proc. */
int memfd_make(const char *label, uint64_t size_bytes, uint64_t reserve_bytes, mode_t mode);

/* Is this a memfd that nobody can shrink or grow? */
bool memfd_is_sealed(int fd);

#endif

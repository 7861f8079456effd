/* Memory without a name, for anonymous objects. */
#ifndef FERRY_MEMFD_H
#define FERRY_MEMFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A memfd of this size, of which `count` bytes from `at` on are reserved, and sealed: nobody can shrink, grow or unseal
 * it.  mode decides who may open it again through /proc. */
int memfd_make(const char *label, uint64_t size_bytes, uint64_t at, uint64_t count, mode_t mode);

/* Is this a memfd that nobody can shrink or grow? */
bool memfd_is_sealed(int fd);

#endif

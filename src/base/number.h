/* Numbers as people write them: sizes like 64K and 1M, durations like 100ms and 2s (contract U3).
 */
#ifndef FERRY_NUMBER_H
#define FERRY_NUMBER_H

#include <stdint.h>

/* "4097", "64K", "1M", "2G", "1T" (powers of 1,024).  -EINVAL, or -ERANGE beyond 2^63 - 1. */
int number_parse_size(const char *text, uint64_t *ret_bytes);

/* "100ms", "2s", "1.5s", "10us", "50ns", "5m", "1h"; a bare 0.  -EINVAL, or -ERANGE. */
int number_parse_duration(const char *text, int64_t *ret_ns);

#endif

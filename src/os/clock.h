/* The two clocks: monotonic for timeouts, the calendar for people. */
#ifndef FERRY_CLOCK_H
#define FERRY_CLOCK_H

#include <stdint.h>
#include <time.h>

/* When a wait ends, on the monotonic clock; CLOCK_NEVER for FERRY_FOREVER. */
typedef int64_t deadline;

#define CLOCK_NEVER INT64_MAX

int64_t clock_now_ns(void);  /* monotonic */
int64_t clock_unix_ms(void); /* calendar */

/* The moment timeout_ns from now; negative means never. */
deadline clock_deadline(int64_t timeout_ns);

/* What is left until then, 0 if it has passed; INT64_MAX for never. */
int64_t clock_left_ns(deadline end);

/* Writes `ns` as a timespec and returns it, or NULL, "no limit", for INT64_MAX. */
struct timespec *clock_timespec(struct timespec *ret_time, int64_t ns);

#endif

/* The library with a bound that is read twice: one word at a time cannot show it, a race must. */
#include <errno.h>

#include "../cases/common.h"

static const struct hostile_operation *lock_alone(void)
{
    static struct hostile_operation operations[2];
    operations[0] = lock_operations[0];
    return operations;
}

TEST_LONG(a_bound_that_is_read_twice_is_caught_by_racing, 300)
{
    struct hostile_case segment = segment_case("planted: double fetch", lock_alone());
    struct hostile_report report;
    test_leaves_objects();
    for (int i = 0; i < 20; i++)
        if (hostile_race(&segment, &report) < 0)
            break;
    CHECK_CONTAINS(report.failure, "lock-now: ");
}

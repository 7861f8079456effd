/* The library with an index that nobody checks: each word and value in turn must come upon it. */
#include <errno.h>

#include "../cases/common.h"

static void is_caught(const struct hostile_operation *operations)
{
    struct hostile_case segment = segment_case("planted: unchecked index", operations);
    struct hostile_report report;
    test_leaves_objects();
    CHECK_EQ(hostile_run(&segment, &report), -ECANCELED);
    CHECK_CONTAINS(report.failure, "word)");
    CHECK_CONTAINS(report.failure, "FERRY_HOSTILE_AT=");
}

TEST_LONG(an_unchecked_index_is_caught_by_locking, 300)
{
    is_caught(lock_operations);
}

TEST_LONG(an_unchecked_index_is_caught_by_joining, 300)
{
    is_caught(member_operations);
}

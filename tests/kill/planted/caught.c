/* The library with a planted fault, put through the same case as the sound one: it must be caught. */
#include <unistd.h>

#include "../cases/common.h"

static void attach(void *memory)
{
    struct world *world = memory;
    world->result = ferry_segment_open(&victim, NAME, NULL);
}

/* By its exit status and not with CHECK, which would fail this test as well. */
static void check_ledger(void *memory, const struct kill_point *point)
{
    (void)memory;
    (void)point;
    struct ferry_object object = look(NAME);
    if (object.attach_count != object.detach_count + object.death_count + object.attached)
        _exit(7);
}

TEST_LONG(a_journal_without_a_commit_word_is_caught, 300)
{
    test_leaves_objects(); /* the check that fails does not tidy up */
    const struct kill_case attach_case = {.name = "planted: journal without commit word",
                                          .world_bytes = sizeof(struct world),
                                          .setup = world_make,
                                          .prepare = world_disinherit_victim,
                                          .operation = attach,
                                          .check = check_ledger,
                                          .teardown = world_drop};
    struct kill_report report;
    CHECK_EQ(kill_run(&attach_case, &report), -ECANCELED);
    CHECK_CONTAINS(report.failure, "check() exited with status 7");
}

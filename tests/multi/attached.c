/* The number attached is exact, however a member comes or goes (contract H3, X6). */
#include "support.h"

#include <stdio.h>

enum end { CLOSE, RETURN, EXIT_AT_ONCE, DIE, EXECUTE };

/* A child that comes, is seen while it is there, and leaves in its own way. */
struct visit {
    struct test_gate *there, *go;
    enum end end;
};

static void visit(void *context)
{
    struct visit *visit = context;
    ferry_segment *segment = attach("x");
    test_gate_open(visit->there);
    test_gate_wait(visit->go);
    switch (visit->end) {
    case CLOSE:
        ferry_segment_close(segment);
        stay();
        break;
    case RETURN:
        exit(0);
    case EXIT_AT_ONCE:
        _exit(0);
    case DIE:
        raise(SIGKILL);
        break;
    case EXECUTE:
        execl("/bin/sleep", "sleep", "1000", (char *)NULL);
        _exit(1);
    }
}

static struct ferry_object see_visit(enum end end)
{
    struct visit *context = test_shared(sizeof *context);
    *context = (struct visit){test_gate_new(), test_gate_new(), end};
    pid_t child = test_child(visit, context);
    test_gate_wait(context->there);
    CHECK_EQ(look("x").attached, 1);
    test_gate_open(context->go);
    if (end == CLOSE || end == EXECUTE) {
        test_wait_until(look("x").attached == 0);
        CHECK_EQ(kill(child, 0), 0);
        test_kill(child);
    } else {
        end_of(child);
    }
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 0);
    check_ledger(&object);
    ferry_remove("x");
    return object;
}

static void prepare(void)
{
    ferry_segment_close(create("x", 10));
}

TEST(close_detaches) /* H3 */
{
    prepare();
    CHECK_EQ(see_visit(CLOSE).detach_count, 2);
}

TEST(exit_detaches) /* H3 */
{
    prepare();
    CHECK_EQ(see_visit(RETURN).death_count, 1);
}

TEST(exit_at_once_detaches) /* H3 */
{
    prepare();
    CHECK_EQ(see_visit(EXIT_AT_ONCE).death_count, 1);
}

TEST(kill_detaches) /* H3 */
{
    prepare();
    CHECK_EQ(see_visit(DIE).death_count, 1);
}

TEST(exec_detaches) /* H3, G11 */
{
    prepare();
    CHECK_EQ(see_visit(EXECUTE).death_count, 1);
}

TEST(two_handles_of_one_process_count_twice) /* H3 */
{
    ferry_segment *first = create("x", 10), *second = attach("x");
    CHECK_EQ(look("x").attached, 2);
    struct ferry_member members[3];
    CHECK_EQ(ferry_look_members("x", members, 3), 2);
    CHECK_EQ(members[0].pid, getpid());
    CHECK_EQ(members[1].pid, getpid());
    first = ferry_segment_close(first);
    CHECK(first == NULL);
    CHECK_EQ(look("x").attached, 1);
    ferry_segment_close(second);
    CHECK_EQ(look("x").attached, 0);
    CHECK_OK(ferry_remove("x"));
}

static void stay_until(void *gate)
{
    test_gate_wait(gate);
}

TEST(forked_child_counts_from_the_moment_of_the_fork) /* H3, G11 */
{
    ferry_segment *segment = create("x", 10);
    struct test_gate *go = test_gate_new();
    pid_t child = test_child(stay_until, go);
    CHECK_EQ(look("x").attached, 2); /* with no regard to how far the child has got */
    pid_t other = test_child(stay_until, go);
    CHECK_EQ(look("x").attached, 3);
    test_kill(child);
    CHECK_EQ(look("x").attached, 2);
    test_gate_open(go);
    test_wait_ok(other);
    CHECK_EQ(look("x").attached, 1);
    struct ferry_object object = look("x");
    check_ledger(&object);
    CHECK_EQ(object.attach_count, 3);
    CHECK_EQ(object.death_count, 2);
    destroy(segment, "x");
}

TEST(slots_of_the_dead_are_used_again) /* H3, G8 */
{
    ferry_segment *segment = create("x", 10);
    struct test_gate *never = test_gate_new();
    for (int i = 0; i < 200; i++)
        test_kill(test_child(stay_until, never));
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.attach_count, 201);
    CHECK_EQ(object.death_count, 200);
    CHECK_EQ(object.detach_count, 0);
    CHECK(object.dead <= 200);
    destroy(segment, "x");
}

struct crowd {
    _Atomic uint32_t rounds;
    struct test_gate *start;
};

static void come_and_go(void *context)
{
    struct crowd *crowd = context;
    test_gate_wait(crowd->start);
    for (int i = 0; i < 300; i++) {
        ferry_segment *segment = attach("x");
        ferry_segment_close(segment);
        atomic_fetch_add(&crowd->rounds, 1);
    }
}

TEST(many_who_come_and_go_at_once_are_all_counted) /* H3 */
{
    prepare();
    struct crowd *crowd = test_shared(sizeof *crowd);
    crowd->start = test_gate_new();
    pid_t children[8];
    for (int i = 0; i < 8; i++)
        children[i] = test_child(come_and_go, crowd);
    test_gate_open(crowd->start);
    for (int i = 0; i < 8; i++)
        test_wait_ok(children[i]);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attach_count, 8 * 300 + 1);
    CHECK_EQ(object.detach_count, 8 * 300 + 1);
    CHECK_EQ(object.death_count, 0);
    CHECK_EQ(object.attached, 0);
    CHECK_OK(ferry_remove("x"));
}

/* Who can talk to whom: all that inherited an end. */
#include <stdio.h>

#include "back_end.h"
#include "holders.h"

enum { BYTES = 200000 };

struct talk {
    struct ends ends;
    struct test_gate *middle_gone;
};

static void write_it(void *context)
{
    struct talk *talk = context;
    ends_close_reading(&talk->ends);
    write_stream(talk->ends.writing, 0, BYTES);
    ends_close_writing(&talk->ends);
}

static void read_it(void *context)
{
    struct talk *talk = context;
    ends_close_writing(&talk->ends);
    read_stream(talk->ends.reading, 0, BYTES);
    CHECK_EQ(end_read(talk->ends.reading, &(char){0}, 1, FERRY_FOREVER), 0);
    ends_close_reading(&talk->ends);
}

/* Lets go of both ends and waits for a child that has them. */
static void pass_on(struct talk *talk, void (*body)(void *context))
{
    pid_t pid = test_child(body, talk);
    ends_close_reading(&talk->ends);
    ends_close_writing(&talk->ends);
    test_wait_ok(pid);
}

static void pass_on_writing(void *context)
{
    pass_on(context, write_it);
}

static void pass_on_reading(void *context)
{
    pass_on(context, read_it);
}

static void meet(const struct back_end *back_end, void (*first)(void *context),
                 void (*second)(void *context))
{
    struct talk talk = {.ends = ends_make(back_end)};
    pid_t one = test_child(first, &talk), two = second ? test_child(second, &talk) : 0;
    if (second == NULL) {
        if (first == write_it || first == pass_on_writing)
            read_it(&talk);
        else
            write_it(&talk);
    }
    ends_close_reading(&talk.ends);
    ends_close_writing(&talk.ends);
    test_wait_ok(one);
    if (second != NULL)
        test_wait_ok(two);
    ends_close(&talk.ends);
}

CONFORMANCE(parent_and_child_talk) /* P11 */
{
    meet(back_end, write_it, NULL);
    meet(back_end, read_it, NULL);
}

CONFORMANCE(siblings_talk) /* P11 */
{
    meet(back_end, write_it, read_it);
    meet(back_end, read_it, write_it);
}

CONFORMANCE(grandparent_and_grandchild_talk) /* P11 */
{
    meet(back_end, pass_on_writing, NULL);
    meet(back_end, pass_on_reading, NULL);
}

CONFORMANCE(cousins_talk) /* P11 */
{
    meet(back_end, pass_on_writing, pass_on_reading);
    meet(back_end, pass_on_reading, pass_on_writing);
    meet(back_end, pass_on_reading, write_it);
}

/* ---- The one between is gone ---- */

static void write_as_an_orphan(void *context)
{
    struct talk *talk = context;
    test_gate_wait(talk->middle_gone);
    write_it(talk);
}

static void leave_a_child(void *context)
{
    test_child(write_as_an_orphan, context);
}

CONFORMANCE(a_grandchild_talks_when_its_parent_is_dead) /* P7 P11 */
{
    adopt_orphans();
    struct talk talk = {.ends = ends_make(back_end), .middle_gone = test_gate_new()};
    test_wait_ok(test_child(leave_a_child, &talk));
    ends_close_writing(&talk.ends);
    CHECK_EQ(end_read(talk.ends.reading, &(char){0}, 1, FERRY_NOW), -EAGAIN);
    test_gate_open(talk.middle_gone);
    read_it(&talk);
    reap_all();
    ends_close(&talk.ends);
}

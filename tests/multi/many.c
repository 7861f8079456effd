/* As many members as an object has places (contract G8, G10). */
#include "support.h"

#include <stdio.h>
#include <sys/resource.h>

enum { PLACES = 4096, PROCESSES = 8, EACH = PLACES / PROCESSES };

/* A handle costs two descriptors at most, and its mappings. */
static void need_descriptors(rlim_t count)
{
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur < count) {
        limit.rlim_cur = count;
        if (limit.rlim_max < count)
            limit.rlim_max = count;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            SKIP("%lu descriptors are needed, and the limit cannot be raised",
                 (unsigned long)count);
    }
}

struct crowd {
    _Atomic uint32_t inside;
    _Atomic int64_t slowest_ns;
    struct test_gate *leave;
};

static void note_slowest(struct crowd *crowd, int64_t took_ns)
{
    int64_t slowest = crowd->slowest_ns;
    while (took_ns > slowest &&
           !atomic_compare_exchange_weak(&crowd->slowest_ns, &slowest, took_ns))
        continue;
}

static void fill_places(void *context)
{
    struct crowd *crowd = context;
    static ferry_segment *segments[EACH];
    int64_t start_ns = test_now_ns();
    for (int i = 0; i < EACH; i++) {
        segments[i] = attach("x");
        atomic_fetch_add(&crowd->inside, 1);
    }
    note_slowest(crowd, (test_now_ns() - start_ns) / EACH);
    test_gate_wait(crowd->leave);
    for (int i = 0; i < EACH; i++)
        ferry_segment_close(segments[i]);
}

static struct crowd *fill(pid_t children[PROCESSES])
{
    ferry_segment_close(create("x", sizeof(uint64_t)));
    struct crowd *crowd = test_shared(sizeof *crowd);
    crowd->leave = test_gate_new();
    for (int i = 0; i < PROCESSES; i++)
        children[i] = test_child(fill_places, crowd);
    while (crowd->inside < PLACES) {
        uint32_t before = crowd->inside;
        test_wait_until(crowd->inside > before); /* patient while there is progress */
    }
    return crowd;
}

TEST_LONG(there_are_4096_places_and_the_next_is_told_so, 120) /* G10 */
{
    need_descriptors(4 * EACH);
    pid_t children[PROCESSES];
    struct crowd *crowd = fill(children);
    CHECK_EQ(look("x").attached, PLACES);
    ferry_segment *segment = NULL;
    CHECK_ERR(ferry_segment_open(&segment, "x", NULL), EUSERS);
    CHECK(segment == NULL);
    CHECK_CONTAINS(ferry_explain(), "4096 members");
    CHECK_CONTAINS(ferry_explain(), "leave");

    test_kill(children[0]);
    CHECK_EQ(look("x").attached, PLACES - EACH);
    for (int i = 0; i < 20; i++)
        ferry_segment_close(attach("x"));
    segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_EQ(look("x").attached, PLACES - EACH + 1);

    test_gate_open(crowd->leave);
    for (int i = 1; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    struct ferry_object object = look("x");
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.attach_count, 1 + PLACES + 20 + 1);
    check_ledger(&object);
    destroy(segment, "x");
}

TEST_LONG(attaching_stays_quick_in_a_crowd, 120) /* G10 */
{
    need_descriptors(4 * EACH);
    pid_t children[PROCESSES];
    struct crowd *crowd = fill(children);
    fprintf(stderr, "the slowest of %d attached %d times in %.0f us each\n", PROCESSES, EACH,
            (double)crowd->slowest_ns / 1000);
    /* Eight at once on perhaps one core, a sanitizer, a busy machine: it is the order that counts. */
    CHECK(crowd->slowest_ns < 20 * MILLISECOND);
    test_gate_open(crowd->leave);
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(look("x").attached, 0);
    CHECK_OK(ferry_remove("x"));
}

TEST_LONG(one_process_holds_many_handles_and_forks_with_them, 120) /* G11 */
{
    enum { HANDLES = 500 };
    need_descriptors(8 * HANDLES);
    static ferry_segment *segments[HANDLES];
    segments[0] = create("x", sizeof(uint64_t));
    for (int i = 1; i < HANDLES; i++)
        segments[i] = attach("x");
    pid_t child = test_child(stay_put, NULL);
    CHECK_EQ(look("x").attached, 2 * HANDLES);
    test_kill(child);
    CHECK_EQ(look("x").attached, HANDLES);
    for (int i = 0; i < HANDLES; i++)
        ferry_segment_close(segments[i]);
    CHECK_EQ(look("x").attached, 0);
    struct ferry_object object = look("x");
    check_ledger(&object);
    CHECK_OK(ferry_remove("x"));
}

TEST_LONG(many_objects_side_by_side, 120) /* G1, G13 */
{
    enum { OBJECTS = 1000 };
    need_descriptors(4 * OBJECTS);
    static ferry_segment *segments[OBJECTS];
    char name[32];
    for (int i = 0; i < OBJECTS; i++) {
        snprintf(name, sizeof name, "object.%d", i);
        segments[i] = create(name, 1);
        *(char *)ferry_segment_data(segments[i]) = (char)i;
    }
    for (int i = 0; i < OBJECTS; i++) {
        snprintf(name, sizeof name, "object.%d", i);
        CHECK_EQ(*(char *)ferry_segment_data(segments[i]), (char)i);
        destroy(segments[i], name);
    }
}

/* Segments whose control memory is overwritten by another member (contract G9, H5). */
#include <errno.h>

#include <stdio.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "shared/slots.h"

static void survives(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case segment = segment_case(name, operations);
    CHECK_OK(hostile_run(&segment, NULL));
}

static void survives_race(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case segment = segment_case(name, operations);
    CHECK_OK(hostile_race(&segment, NULL));
}

TEST_LONG(lock_survives_any_word, 600) /* G9 */
{
    survives("segment lock", lock_operations);
}

TEST_LONG(notice_survives_any_word, 600) /* G9 */
{
    survives("segment notice", notice_operations);
}

TEST_LONG(joining_and_leaving_survive_any_word, 600) /* G9 */
{
    survives("segment members", member_operations);
}

TEST_LONG(looking_and_removing_survive_any_word, 600) /* G9 */
{
    survives("segment look", look_operations);
}

TEST_LONG(lock_survives_changing_words, 300) /* G9 */
{
    survives_race("segment lock", lock_operations);
}

TEST_LONG(notice_survives_changing_words, 300) /* G9 */
{
    survives_race("segment notice", notice_operations);
}

TEST_LONG(joining_and_leaving_survive_changing_words, 300) /* G9 */
{
    survives_race("segment members", member_operations);
}

TEST_LONG(looking_and_removing_survive_changing_words, 300) /* G9 */
{
    survives_race("segment look", look_operations);
}

/* ---- What nobody puts right ------------------------------------------------------------------ */

static struct layout *map_control(void)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/ferry." NAME, test_root());
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *control = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(control != MAP_FAILED);
    close(fd);
    return control;
}

TEST(books_that_a_living_peer_seems_to_hold_cost_two_seconds) /* G9 */
{
    struct world world;
    world_make(&world);
    struct layout *control = map_control();
    atomic_store(&control->lock.word, slot_tag_make(0, 1));
    int64_t start = test_now_ns();
    CHECK_ERR(ferry_segment_open(&world.other, NAME, NULL), ETIMEDOUT);
    CHECK(test_now_ns() - start < 4 * INT64_C(1000000000));
    atomic_store(&control->lock.word, 0);
    munmap(control, sizeof(*control));
    world_drop(&world);
}

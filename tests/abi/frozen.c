/* What was made by a released version is opened by this one (contract G14): the samples in
 * tests/abi/version-1 are put into the root as that version left them there, and used. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "shared/layout.h"
#include "shared/semaphore_set.h"
#include "test.h"

enum {
    BYTES = 266240,
    DATA_BYTES = 4097,
    QUEUE_DATA_BYTES = 4096,
    TYPES_INDEX_BYTES = 19136,
    TYPES_DATA_BYTES = 73728,
    SET_INDEX_BYTES = 12288 + 4096 * 64, /* of a set of three */
    ROW = 16
};

/* ---- Where everything is --------------------------------------------------------------------- */

struct frozen {
    const char *name;
    size_t frozen_at, frozen_width, at, width;
};

#define FROZEN(field, offset, width)                                                               \
    {#field, offset, width, offsetof(struct layout, field), sizeof(((struct layout *)0)->field)},
static const struct frozen fields[] = {
#include "version-1/layout.h"
};
static const struct frozen queue_fields[] = {
#include "version-1/queue.h"
};
static const struct frozen semaphore_fields[] = {
#include "version-1/semaphore.h"
};
#undef FROZEN

#define FROZEN(field, offset, width)                                                               \
    {#field, offset, width, offsetof(struct set_index, field),                                     \
     sizeof(((struct set_index *)0)->field)},
static const struct frozen set_fields[] = {
#include "version-1/set.h"
};
#undef FROZEN

static bool is_moved(const struct frozen *field)
{
    return field->at != field->frozen_at || field->width != field->frozen_width;
}

/* From `at` on, not a byte is left out; returns where the list ends. */
static size_t check_fields(const struct frozen *list, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++) {
        const struct frozen *field = &list[i];
        if (is_moved(field))
            test_fail(__FILE__, __LINE__, "%s is %zu bytes at %zu, and was %zu at %zu", field->name,
                      field->width, field->at, field->frozen_width, field->frozen_at);
        CHECK_EQ(field->frozen_at, at);
        at += field->frozen_width;
    }
    return at;
}

TEST(every_field_of_version_one_is_where_it_was) /* G14 */
{
    size_t end = check_fields(fields, sizeof(fields) / sizeof(fields[0]), 0);
    CHECK_EQ(end, offsetof(struct layout, members[1]));
    CHECK_EQ(end + 4095 * 64, sizeof(struct layout));
    CHECK_EQ(sizeof(struct layout), BYTES);
    CHECK_EQ(LAYOUT_VERSION, 1);
}

TEST(so_is_every_field_of_its_queues) /* G14 */
{
    size_t end = check_fields(queue_fields, sizeof(queue_fields) / sizeof(queue_fields[0]),
                              offsetof(struct layout, stream));
    CHECK_EQ(end, offsetof(struct layout, members));
}

TEST(so_is_every_field_of_its_semaphores_and_sets) /* G14 */
{
    size_t end =
        check_fields(semaphore_fields, sizeof(semaphore_fields) / sizeof(semaphore_fields[0]),
                     offsetof(struct layout, stream));
    CHECK_EQ(end, offsetof(struct layout, stream.readers));
    CHECK_EQ(check_fields(set_fields, sizeof(set_fields) / sizeof(set_fields[0]), 0),
             sizeof(struct set_index));
}

TEST(a_field_that_moved_would_be_noticed)
{
    struct frozen moved = fields[1], wider = fields[1];
    moved.at += 4;
    wider.width += 4;
    CHECK(!is_moved(&fields[1]) && is_moved(&moved) && is_moved(&wider));
}

/* ---- The samples ----------------------------------------------------------------------------- */

/* A row: a prefix, where it goes, its bytes. */
static void load_row(const char *line, unsigned char *bytes, size_t count)
{
    char *at;
    size_t row = strtoul(line, &at, 16);
    CHECK(*at == ':' && row <= count - ROW);
    at++;
    for (int i = 0; i < ROW; i++)
        bytes[row + (size_t)i] = (unsigned char)strtoul(at, &at, 16);
}

/* The control memory with what lies behind it; of a queue also the data. */
static unsigned char *load_with_data(const char *state, size_t count, unsigned char *data,
                                     size_t data_count)
{
    char path[4096], line[256];
    const char *samples = getenv("FERRY_TEST_ABI");
    if (samples == NULL)
        SKIP("FERRY_TEST_ABI does not say where tests/abi is");
    snprintf(path, sizeof path, "%s/version-1/%s.hex", samples, state);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    unsigned char *bytes = calloc(1, count);
    CHECK(bytes != NULL);
    while (fgets(line, sizeof line, file)) {
        if (data != NULL && strncmp(line, "data ", 5) == 0)
            load_row(line + 5, data, data_count);
        else
            load_row(line, bytes, count);
    }
    fclose(file);
    return bytes;
}

static unsigned char *load(const char *state)
{
    return load_with_data(state, BYTES, NULL, 0);
}

static void put(const char *name, const void *bytes, size_t count)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", test_root(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    CHECK_EQ(write(fd, bytes, count), count);
    close(fd);
}

/* Puts these bytes into the root as version 1 did: a control file, and data and a bell whose names
 * end in its inode's number. */
static void plant_with_data(unsigned char *bytes, size_t count, const void *data, size_t data_count)
{
    char path[512], name[64];
    struct stat status;
    put("ferry.frozen", bytes, count);
    snprintf(path, sizeof path, "%s/ferry.frozen", test_root());
    CHECK_ERRNO(stat(path, &status));
    snprintf(name, sizeof name, "ferry.frozen:data:%016llx", (unsigned long long)status.st_ino);
    put(name, data, data_count);
    snprintf(path, sizeof path, "%s/ferry.frozen:bell:%016llx", test_root(),
             (unsigned long long)status.st_ino);
    CHECK_ERRNO(mkfifo(path, 0600));
    free(bytes);
}

static void plant(unsigned char *bytes)
{
    static const char data[DATA_BYTES] = "kept since version 1";
    plant_with_data(bytes, BYTES, data, sizeof data);
}

static void plant_queue(const char *state)
{
    static unsigned char data[QUEUE_DATA_BYTES];
    unsigned char *bytes = load_with_data(state, BYTES, data, sizeof data);
    plant_with_data(bytes, BYTES, data, sizeof data);
}

static void plant_typed_queue(void)
{
    static unsigned char data[TYPES_DATA_BYTES];
    size_t count = BYTES + TYPES_INDEX_BYTES;
    unsigned char *bytes = load_with_data("types", count, data, sizeof data);
    plant_with_data(bytes, count, data, sizeof data);
}

static ferry_segment *open_frozen(void)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, "frozen", NULL));
    return segment;
}

static struct ferry_object look(void)
{
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_OK(ferry_look("frozen", &object));
    CHECK(!object.damaged);
    return object;
}

TEST(an_object_of_version_one_is_understood) /* G13, G14 */
{
    plant(load("rest"));
    struct ferry_object object = look();
    CHECK_STR(object.label, "frozen");
    CHECK_EQ(object.kind, FERRY_KIND_SEGMENT);
    CHECK_EQ(object.size_bytes, DATA_BYTES);
    CHECK_EQ(object.attached, 0);
    CHECK_EQ(object.dead, 0);
    CHECK_EQ(object.attach_count, 1);
    CHECK_EQ(object.detach_count, 1);
    CHECK_EQ(object.death_count, 0);
    CHECK_EQ(object.version, 3);
    CHECK_EQ(object.lock_count, 2);
    CHECK_EQ(object.lock_owner_pid, 0);
    CHECK(!object.unrepaired && !object.temporary && !object.anonymous);
    CHECK(object.created_unix_ms > INT64_C(1700000000000) && object.creator_pid > 0);
    CHECK_EQ(object.last_attach_pid, object.creator_pid);
    CHECK(object.changed_unix_ms > INT64_C(1700000000000));
    CHECK_OK(ferry_remove("frozen"));
}

static void wait_for_the_fourth(void *context)
{
    (void)context;
    ferry_segment *segment = open_frozen();
    uint32_t version = 3;
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
    CHECK_EQ(version, 4);
    CHECK_STR((char *)ferry_segment_data(segment), "news");
    ferry_segment_close(segment);
}

TEST(an_object_of_version_one_goes_on) /* G14, H5 */
{
    plant(load("rest"));
    pid_t child = test_child(wait_for_the_fourth, NULL);
    struct ferry_member members[2] = {{0}};
    test_wait_until(ferry_look_members("frozen", members, 2) == 1 && members[0].waiting);
    ferry_segment *segment = open_frozen();
    CHECK_EQ(ferry_segment_size(segment), DATA_BYTES);
    CHECK_STR((char *)ferry_segment_data(segment), "kept since version 1");
    CHECK_EQ(ferry_look_members("frozen", members, 2), 2);
    CHECK(members[0].alive && members[0].pid == child);
    CHECK(members[1].alive && members[1].pid == getpid());
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    strcpy(ferry_segment_data(segment), "news");
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_notify(segment));
    test_wait_ok(child);
    ferry_segment_close(segment);
    CHECK_EQ(look().attach_count, 3);
    CHECK_EQ(look().detach_count, 3);
    CHECK_OK(ferry_remove("frozen"));
}

TEST(a_lock_whose_owner_died_in_version_one_is_taken_over) /* E5, G14 */
{
    plant(load("died"));
    CHECK(look().lock_owner_dead);
    CHECK_EQ(look().dead, 1);
    ferry_segment *segment = open_frozen();
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(ferry_segment_repaired(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("frozen"));
}

TEST(a_journal_that_version_one_had_committed_is_finished) /* G8, G14 */
{
    plant(load("torn"));
    ferry_segment *segment = open_frozen();
    struct ferry_object object = look();
    CHECK_EQ(object.detach_count, 41);
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.dead, 0);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("frozen"));
}

TEST(another_version_is_refused_and_can_be_removed) /* G14 */
{
    unsigned char *bytes = load("rest");
    bytes[8] = 2;
    plant(bytes);
    ferry_segment *segment;
    CHECK_ERR(ferry_segment_open(&segment, "frozen", NULL), EPROTO);
    CHECK_CONTAINS(ferry_explain(), "\"frozen\"");
    CHECK_CONTAINS(ferry_explain(), "layout version 2, this library knows version 1");
    CHECK_ERR(ferry_segment_open(&segment, "frozen",
                                 FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64)),
              EPROTO);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_OK(ferry_look("frozen", &object));
    CHECK(object.damaged);
    CHECK_CONTAINS(object.damage, "layout version 2");
    CHECK_OK(ferry_remove("frozen"));
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static ferry_queue *open_frozen_queue(void)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_open(&queue, "frozen", NULL));
    return queue;
}

static void check_next(ferry_queue *queue, int letter, size_t size)
{
    unsigned char bytes[200], expected[200];
    memset(expected, letter, sizeof expected);
    CHECK_EQ(ferry_queue_receive(queue, bytes, sizeof bytes, FERRY_NOW), size);
    CHECK(memcmp(bytes, expected, size) == 0);
}

/* Three messages are there; more can be sent behind them, as many as fit. */
static void check_messages(ferry_queue *queue)
{
    unsigned char bytes[200];
    memset(bytes, 'd', sizeof bytes);
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_queue_send(queue, bytes, sizeof bytes, FERRY_NOW));
    CHECK_ERR(ferry_queue_send(queue, bytes, sizeof bytes, FERRY_NOW), EAGAIN);
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof statistics};
    CHECK_OK(ferry_queue_statistics(queue, &statistics));
    CHECK_EQ(statistics.messages, 6);
    CHECK_EQ(statistics.bytes, 250 + 3 * 200);
    CHECK_EQ(statistics.sent, 127 + 6);
    CHECK_EQ(statistics.received, 127);
    check_next(queue, 'a', 200);
    check_next(queue, 'b', 1);
    check_next(queue, 'c', 49);
    for (int i = 0; i < 3; i++)
        check_next(queue, 'd', sizeof bytes);
    CHECK_ERR(ferry_queue_receive(queue, bytes, sizeof bytes, FERRY_NOW), EAGAIN);
}

TEST(a_queue_of_version_one_gives_its_messages) /* G14, Q5 */
{
    plant_queue("queue");
    ferry_queue *queue = open_frozen_queue();
    check_messages(queue);
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove("frozen"));
}

TEST(a_message_that_version_one_had_committed_is_there) /* G8, G14 */
{
    plant_queue("queue-torn");
    ferry_queue *queue = open_frozen_queue();
    check_messages(queue);
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove("frozen"));
}

/* It may not write where the dead sender's message is. */
TEST(who_looks_on_leaves_a_dead_sender_s_lock_to_others) /* G8, U8 */
{
    plant_queue("queue-torn");
    ferry_queue *tap, *queue = open_frozen_queue();
    CHECK_OK(ferry_queue_open(&tap, "frozen", FERRY_QUEUE(.flags = FERRY_TAP)));
    unsigned char bytes[200];
    uint64_t missed;
    for (int letter = 'a'; letter <= 'c'; letter++) {
        struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof bytes};
        CHECK(ferry_queue_tap(tap, &message, &missed, FERRY_NOW) > 0);
        CHECK_EQ(bytes[0], letter);
        CHECK_EQ(missed, 0);
    }
    check_messages(queue);
    ferry_queue_close(tap);
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove("frozen"));
}

static void check_chosen(ferry_queue *queue, unsigned selection, uint64_t type, int letter,
                         size_t size)
{
    unsigned char bytes[200], expected[200];
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof bytes};
    const struct ferry_choice choice = {.selection = selection, .type = type};
    memset(expected, letter, sizeof expected);
    CHECK_EQ(ferry_queue_receive_message(queue, &message, &choice, FERRY_NOW), size);
    CHECK(memcmp(bytes, expected, size) == 0);
}

/* Four are there, and as many more as it may have; they come by priority, by type and by their order. */
TEST(a_queue_with_types_of_version_one_gives_its_messages) /* G14, Q2, Q5 */
{
    plant_typed_queue();
    ferry_queue *queue = open_frozen_queue();
    unsigned char bytes[190];
    memset(bytes, 'e', sizeof bytes);
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof bytes, .type = 4};
    for (int i = 0; i < 4; i++)
        CHECK_OK(ferry_queue_send_message(queue, &message, FERRY_NOW));
    CHECK_ERR(ferry_queue_send_message(queue, &message, FERRY_NOW), EAGAIN);
    check_chosen(queue, FERRY_OF_TYPE, 5, 'c', 49);
    check_chosen(queue, FERRY_EXCEPT, 3, 'a', 200);
    check_chosen(queue, FERRY_UP_TO, 9, 'b', 1);
    check_chosen(queue, FERRY_ANY, 0, 'd', 0);
    for (int i = 0; i < 4; i++)
        check_chosen(queue, FERRY_ANY, 0, 'e', sizeof bytes);
    CHECK_ERR(ferry_queue_receive(queue, bytes, sizeof bytes, FERRY_NOW), EAGAIN);
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove("frozen"));
}

/* ---- Semaphores ------------------------------------------------------------------------------ */

static void plant_semaphore(const char *state, size_t index_bytes)
{
    unsigned char *bytes = load_with_data(state, BYTES + index_bytes, NULL, 0);
    plant_with_data(bytes, BYTES + index_bytes, "", 0);
}

static ferry_semaphore *open_frozen_semaphore(void)
{
    ferry_semaphore *semaphore;
    CHECK_OK(ferry_semaphore_open(&semaphore, "frozen", NULL));
    return semaphore;
}

static void drop_semaphore(ferry_semaphore *semaphore)
{
    ferry_semaphore_close(semaphore);
    CHECK_OK(ferry_remove("frozen"));
}

/* From so many units on, up to five and down to none. */
static void check_units(ferry_semaphore *semaphore, uint32_t units)
{
    uint32_t value;
    CHECK_OK(ferry_semaphore_value(semaphore, &value));
    CHECK_EQ(value, units);
    for (; units < 5; units++)
        CHECK_OK(ferry_semaphore_post(semaphore));
    CHECK_ERR(ferry_semaphore_post(semaphore), EOVERFLOW);
    for (; units > 0; units--)
        CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_NOW));
    CHECK_ERR(ferry_semaphore_wait(semaphore, FERRY_NOW), EAGAIN);
}

static void wait_for_a_unit(void *context)
{
    (void)context;
    ferry_semaphore *semaphore = open_frozen_semaphore();
    CHECK_OK(ferry_semaphore_wait(semaphore, FERRY_FOREVER));
    ferry_semaphore_close(semaphore);
}

TEST(a_semaphore_of_version_one_has_its_units) /* E1, G14 */
{
    plant_semaphore("semaphore", 0);
    struct ferry_object object = look();
    CHECK_EQ(object.kind, FERRY_KIND_SEMAPHORE);
    ferry_semaphore *semaphore = open_frozen_semaphore();
    check_units(semaphore, 3);
    pid_t child = test_child(wait_for_a_unit, NULL);
    test_sleeping(child);
    CHECK_OK(ferry_semaphore_post(semaphore));
    test_wait_ok(child);
    drop_semaphore(semaphore);
}

TEST(a_semaphore_whose_members_died_in_version_one_goes_on) /* G8, G14 */
{
    plant_semaphore("semaphore-torn", 0);
    CHECK_EQ(look().dead, 1);
    ferry_semaphore *semaphore = open_frozen_semaphore();
    CHECK_ERR(ferry_semaphore_wait(semaphore, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_semaphore_post(semaphore));
    check_units(semaphore, 1);
    uint32_t waiters;
    CHECK_OK(ferry_semaphore_waiters(semaphore, &waiters));
    CHECK_EQ(waiters, 0);
    drop_semaphore(semaphore);
}

static void check_set(uint32_t first, uint32_t second, uint32_t third)
{
    uint32_t values[3];
    ferry_semaphore *set = open_frozen_semaphore();
    CHECK_EQ(look().dead, 1);
    CHECK_OK(ferry_semaphore_values(set, values, 3));
    CHECK_EQ(values[0], first);
    CHECK_EQ(values[1], second);
    CHECK_EQ(values[2], third);
    const struct ferry_semaphore_step too_many = {0, 1, 0}, all = {0, -(int32_t)first, 0};
    CHECK_ERR(ferry_semaphore_operate(set, &too_many, 1, FERRY_NOW), EOVERFLOW);
    CHECK_OK(ferry_semaphore_operate(set, &all, 1, FERRY_NOW));
    drop_semaphore(set);
}

TEST(a_set_of_version_one_gets_back_what_a_dead_member_owed) /* E3, E4, G14 */
{
    plant_semaphore("set", SET_INDEX_BYTES);
    check_set(4, 1, 0);
}

TEST(steps_that_version_one_had_committed_are_finished) /* E3, G8, G14 */
{
    plant_semaphore("set-torn", SET_INDEX_BYTES);
    check_set(4, 0, 3);
}

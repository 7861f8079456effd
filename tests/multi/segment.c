/* Segments as memory: making, opening, attaching, guards, size, life, statistics (contract H1–H4,
 * and G2). */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

/* ---- Making and opening ---- */

TEST(new_segment_is_zeroed_and_seen_by_whoever_opens_it) /* H1 */
{
    ferry_segment *first = create("x", 100);
    ferry_segment *second = attach("x");
    char *here = ferry_segment_data(first), *there = ferry_segment_data(second);
    CHECK(here != there);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(here[i], 0);
    strcpy(here, "hello");
    CHECK_STR(there, "hello");
    ferry_segment_close(second);
    destroy(first, "x");
}

TEST(missing_name_is_enoent_unless_create) /* G2 */
{
    ferry_segment *segment = NULL;
    CHECK_ERR(ferry_segment_open(&segment, "x", NULL), ENOENT);
    CHECK(segment == NULL);
    CHECK_CONTAINS(ferry_explain(), "\"x\"");
    CHECK_OK(
        ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 10)));
    ferry_segment *again;
    CHECK_OK(
        ferry_segment_open(&again, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 10)));
    CHECK_EQ(look("x").attached, 2);
    ferry_segment_close(again);
    destroy(segment, "x");
}

TEST(second_exclusive_create_is_eexist) /* G2, X6 */
{
    ferry_segment *first = create("x", 10), *second = NULL;
    CHECK_ERR(
        ferry_segment_open(
            &second, "x", FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 10)),
        EEXIST);
    CHECK(second == NULL);
    CHECK_CONTAINS(ferry_explain(), "ferry rm");
    CHECK_EQ(look("x").attached, 1);
    destroy(first, "x");
}

struct race {
    struct test_gate *start;
    _Atomic uint32_t made, refused;
};

static void create_exclusively(void *context)
{
    struct race *race = context;
    ferry_segment *segment;
    test_gate_wait(race->start);
    int r = ferry_segment_open(
        &segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = 1));
    if (r == 0)
        atomic_fetch_add(&race->made, 1);
    else if (r == -EEXIST)
        atomic_fetch_add(&race->refused, 1);
}

TEST(of_many_exclusive_creators_one_succeeds) /* G2 */
{
    for (int round = 0; round < 20; round++) {
        struct race *race = test_shared(sizeof *race);
        race->start = test_gate_new();
        pid_t children[8];
        for (int i = 0; i < 8; i++)
            children[i] = test_child(create_exclusively, race);
        test_gate_open(race->start);
        for (int i = 0; i < 8; i++)
            test_wait_ok(children[i]);
        CHECK_EQ(race->made, 1);
        CHECK_EQ(race->refused, 7);
        CHECK_OK(ferry_remove("x"));
    }
}

TEST(mode_is_0600_or_as_asked_less_the_umask) /* G2, H1 */
{
    static const struct {
        unsigned asked, mask, got;
    } cases[] = {{0, 0, 0600}, {0666, 0, 0666}, {0666, 027, 0640}, {0644, 077, 0600}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ferry_segment *segment;
        umask(cases[i].mask);
        CHECK_OK(ferry_segment_open(
            &segment, "x",
            FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 1, .mode = cases[i].asked)));
        CHECK_EQ(look("x").mode, cases[i].got);
        destroy(segment, "x");
    }
}

TEST(nonsense_is_einval_and_leaves_the_output_alone) /* G2, H1 */
{
    ferry_segment *marker = (ferry_segment *)(void *)&marker, *segment = marker;
    const unsigned create_flag = FERRY_CREATE;
    struct ferry_segment_options *wrong[] = {
        FERRY_SEGMENT(.flags = create_flag),
        FERRY_SEGMENT(.flags = create_flag | 0x8000u, .size_bytes = 1),
        FERRY_SEGMENT(.flags = FERRY_EXCLUSIVE, .size_bytes = 1),
        FERRY_SEGMENT(.flags = FERRY_TEMPORARY, .size_bytes = 1),
        FERRY_SEGMENT(.flags = create_flag, .size_bytes = 1, .mode = 01777),
        FERRY_SEGMENT(.flags = create_flag, .size_bytes = 1, .address = (void *)0x7001),
        &(struct ferry_segment_options){.flags = create_flag, .size_bytes = 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_ERR(ferry_segment_open(&segment, "x", wrong[i]), EINVAL);
        CHECK(segment == marker);
        CHECK(strlen(ferry_explain()) > 10);
    }
    CHECK_ERR(ferry_segment_open(&segment, "a/b", wrong[0]), EINVAL);
    CHECK_ERR(ferry_segment_open(&segment, NULL, NULL), EINVAL);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_look("x", &object), ENOENT);
}

TEST(existing_segment_smaller_than_needed_is_einval) /* H1 */
{
    ferry_segment *first = create("x", 10), *second;
    CHECK_ERR(ferry_segment_open(&second, "x", FERRY_SEGMENT(.size_bytes = 11)), EINVAL);
    CHECK_CONTAINS(ferry_explain(), "10 bytes");
    CHECK_OK(ferry_segment_open(&second, "x", FERRY_SEGMENT(.size_bytes = 9)));
    CHECK_EQ(ferry_segment_size(second), 10);
    ferry_segment_close(second);
    destroy(first, "x");
}

TEST(path_and_project_make_one_key_and_removal_frees_it) /* H1, X7 */
{
    uint32_t one, same, other;
    char path[128], detour[160], name[FERRY_NAME_SIZE];
    snprintf(path, sizeof path, "%s", test_root());
    snprintf(detour, sizeof detour, "%s/../%s", path, strrchr(path, '/') + 1);
    CHECK_OK(ferry_key_from_path(&one, path, 7));
    CHECK_OK(ferry_key_from_path(&same, detour, 7));
    CHECK_OK(ferry_key_from_path(&other, path, 8));
    CHECK_EQ(one, same);
    CHECK(one != other);
    CHECK_ERR(ferry_key_from_path(&one, path, 0), EINVAL);
    CHECK_ERR(ferry_key_from_path(&one, path, 256), EINVAL);
    CHECK_ERR(ferry_key_from_path(&one, "/no such file", 7), ENOENT);
    CHECK_ERR(ferry_key_name(name, 14, one), ENOSPC);
    CHECK_OK(ferry_key_name(name, 15, one));
    for (int round = 0; round < 2; round++) {
        ferry_segment *segment = create(name, 10);
        ferry_segment *second = attach(name);
        CHECK_STR(look(name).name, name);
        ferry_segment_close(second);
        destroy(segment, name);
        CHECK_ERR(ferry_segment_open(&segment, name, NULL), ENOENT);
    }
}

/* ---- Attaching ---- */

/* Where nothing is mapped. */
static char *free_address(size_t size)
{
    char *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED);
    munmap(place, size);
    return place;
}

TEST(segment_is_attached_where_the_caller_asks) /* H1 */
{
    char *place = free_address(1 << 20) + 65536;
    ferry_segment *first, *second = NULL;
    CHECK_OK(ferry_segment_open(
        &first, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 4097, .address = place)));
    CHECK(ferry_segment_data(first) == place);
    CHECK_OK(ferry_segment_open(&second, "x", FERRY_SEGMENT(.address = place + 65536)));
    CHECK(ferry_segment_data(second) == place + 65536);
    ferry_segment_close(second);
    destroy(first, "x");
}

TEST(address_in_use_is_eexist_and_no_object_is_made) /* H1 */
{
    ferry_segment *first = create("x", 10), *second;
    char *place = ferry_segment_data(first);
    static const unsigned flags[] = {0, FERRY_CREATE, FERRY_CREATE | FERRY_EXCLUSIVE};
    int64_t start_ns = test_now_ns();
    CHECK_ERR(ferry_segment_open(&second, "x", FERRY_SEGMENT(.address = place)), EEXIST);
    for (size_t i = 1; i < 3; i++) {
        struct ferry_object object = {.object_bytes = sizeof object};
        CHECK_ERR(
            ferry_segment_open(
                &second, "y", FERRY_SEGMENT(.flags = flags[i], .size_bytes = 10, .address = place)),
            EEXIST);
        CHECK_CONTAINS(ferry_explain(), "mapped");
        CHECK_ERR(ferry_look("y", &object), ENOENT);
    }
    CHECK_ERR(ferry_segment_open(&second, NULL, FERRY_SEGMENT(.size_bytes = 10, .address = place)),
              EEXIST);
    CHECK(test_now_ns() - start_ns < SECOND);
    destroy(first, "x");
}

struct touch {
    char *address;
    bool writing;
};

static void touch(void *context)
{
    const struct touch *touch = context;
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    if (touch->writing)
        *(volatile char *)touch->address = 1;
    else
        (void)*(volatile char *)touch->address;
}

/* The signal that an access ends with, or 0. */
static int access_ends_with(char *address, bool writing)
{
    struct touch context = {address, writing};
    int status = end_of(test_child(touch, &context));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(read_only_attachment_reads_and_faults_on_write) /* H1 */
{
    ferry_segment *writer = create("x", 10), *reader;
    CHECK_OK(ferry_segment_open(&reader, "x", FERRY_SEGMENT(.flags = FERRY_READ)));
    char *data = ferry_segment_data(reader);
    strcpy(ferry_segment_data(writer), "abc");
    CHECK_STR(data, "abc");
    CHECK_EQ(access_ends_with(data, false), 0);
    CHECK_EQ(access_ends_with(data, true), SIGSEGV);
    CHECK(mprotect(data, 4096, PROT_READ | PROT_WRITE) < 0);
    CHECK_EQ(errno, EACCES);
    ferry_segment_close(reader);
    destroy(writer, "x");
}

TEST(size_is_exact_memory_is_whole_pages_and_guards_are_at_both_ends) /* H2 */
{
    static const uint64_t sizes[] = {1, 4096, 4097, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ferry_segment *segment = create("x", sizes[i]);
        uint64_t pages = (sizes[i] + 4095) / 4096 * 4096;
        char *data = ferry_segment_data(segment);
        CHECK_EQ(ferry_segment_size(segment), sizes[i]);
        CHECK_EQ(look("x").size_bytes, sizes[i]);
        CHECK(look("x").reserved_bytes >= pages);
        for (int writing = 0; writing < 2; writing++) {
            CHECK_EQ(access_ends_with(data, writing), 0);
            CHECK_EQ(access_ends_with(data + sizes[i] - 1, writing), 0);
            CHECK_EQ(access_ends_with(data + pages - 1, writing), 0);
            CHECK_EQ(access_ends_with(data + pages, writing), SIGSEGV);
            CHECK_EQ(access_ends_with(data - 1, writing), SIGSEGV);
        }
        destroy(segment, "x");
    }
}

/* ---- Life ---- */

static void create_write_and_exit(void *context)
{
    (void)context;
    strcpy(ferry_segment_data(create("x", 10)), "kept");
}

TEST(segment_lives_on_without_any_process) /* H3 */
{
    test_wait_ok(test_child(create_write_and_exit, NULL));
    CHECK_EQ(look("x").attached, 0);
    ferry_segment *segment = attach("x");
    CHECK_STR(ferry_segment_data(segment), "kept");
    destroy(segment, "x");
}

static uint64_t used_bytes(void)
{
    struct statvfs status;
    CHECK_ERRNO(statvfs(test_root(), &status));
    return (status.f_blocks - status.f_bfree) * status.f_bsize;
}

static void hold_until_killed(void *gate)
{
    ferry_segment *segment = attach("x");
    memset(ferry_segment_data(segment), 1, (size_t)ferry_segment_size(segment));
    test_gate_open(gate);
    stay();
}

TEST(memory_of_a_removed_segment_comes_back_with_the_last_detach) /* H3, G6 */
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", test_root(), "tmpfs", 0, "size=16m") < 0)
        SKIP("a small tmpfs of one's own needs root");
    uint64_t before = used_bytes();
    ferry_segment *segment = create("x", 4 << 20);
    CHECK(used_bytes() - before >= 4 << 20);
    struct test_gate *ready = test_gate_new();
    ferry_segment_close(segment);
    pid_t holder = test_child(hold_until_killed, ready);
    test_gate_wait(ready);
    CHECK_OK(ferry_remove("x"));
    CHECK(used_bytes() - before >= 4 << 20);
    test_kill(holder);
    CHECK_EQ(used_bytes(), before);
    destroy(create("x", 12 << 20), "x");
    CHECK_EQ(used_bytes(), before);
}

/* ---- Statistics ---- */

static void take_note(void *context)
{
    (void)context;
    ferry_segment_close(attach("x"));
}

TEST(statistics_tell_creator_owner_mode_size_times_and_pids) /* H4 */
{
    int64_t start_ms = (int64_t)time(NULL) * 1000 - 1000;
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 4097, .mode = 0640)));
    pid_t visitor = test_child(take_note, NULL);
    test_wait_ok(visitor);
    CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    struct ferry_object object = look("x");
    CHECK_STR(object.name, "x");
    CHECK_STR(object.label, "x");
    CHECK_EQ(object.kind, FERRY_KIND_SEGMENT);
    CHECK(!object.temporary && !object.removed && !object.anonymous);
    CHECK_EQ(object.owner, geteuid());
    CHECK_EQ(object.group, getegid());
    CHECK_EQ(object.mode, 0640);
    CHECK_EQ(object.size_bytes, 4097);
    CHECK_EQ(object.creator_pid, getpid());
    CHECK_EQ(object.attached, 1);
    CHECK_EQ(object.dead, 1); /* the child left what it had opened, not what it had inherited */
    CHECK_EQ(object.attach_count, 3);
    check_ledger(&object);
    CHECK_EQ(object.last_attach_pid, visitor);
    CHECK_EQ(object.last_detach_pid, visitor);
    CHECK(object.created_unix_ms >= start_ms);
    CHECK(object.last_attach_unix_ms >= object.created_unix_ms);
    CHECK(object.last_detach_unix_ms >= object.last_attach_unix_ms);
    CHECK(object.last_detach_unix_ms <= (int64_t)time(NULL) * 1000 + 2000);
    CHECK_EQ(object.version, 1);
    CHECK(object.changed_unix_ms >= start_ms);
    CHECK_EQ(object.lock_owner_pid, getpid());
    CHECK(!object.lock_owner_dead && !object.unrepaired);
    CHECK_EQ(object.lock_count, 1);
    CHECK_EQ(object.wait_count, 0);
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_EQ(look("x").lock_owner_pid, 0);
    destroy(segment, "x");
}

TEST(opening_that_succeeds_leaves_the_last_explanation) /* U4 */
{
    ferry_segment *segment;
    CHECK_ERR(ferry_segment_open(&segment, "nothing", NULL), ENOENT);
    CHECK_CONTAINS(ferry_explain(), "nothing");
    CHECK_OK(
        ferry_segment_open(&segment, "new", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 1)));
    CHECK_CONTAINS(ferry_explain(), "nothing");
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("new"));
}

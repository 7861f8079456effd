/* Bad days, third part: room runs out, or the root is not what it should be.  An error at a call
 * that can report it, never a SIGBUS or a SIGXFSZ later (contract G10). */
#include "bad.h"

/* ---- A full root ----------------------------------------------------------------------------- */

/* Fills what is left of the root with a file. */
static void fill_root(void)
{
    static const char page[4096] = {1};
    int fd = open(in_root("filler"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    while (write(fd, page, sizeof page) > 0)
        continue;
    CHECK_EQ(errno, ENOSPC);
    close(fd);
}

static void finish(void)
{
    unlink(in_root("filler"));
    CHECK_EQ(count_entries(test_root()), 0);
    CHECK_ERRNO(umount(test_root()));
}

TEST(a_full_root_is_an_error_with_a_cure_and_costs_nothing_that_is_there) /* G10 */
{
    mount_over_root(0, "size=1m");
    ferry_segment *segment = create("x", 300000);
    fill_root();
    FAILS(open_with("y", FERRY_CREATE, 64), ENOSPC, "ferry rm");
    FAILS(open_with("y", FERRY_CREATE | FERRY_TEMPORARY, 64), ENOSPC, "FERRY_ROOT");
    FAILS(open_with("y", FERRY_CREATE | FERRY_EXCLUSIVE, 4 << 20), ENOSPC, "remount,size");
    CHECK_EQ(count_entries(test_root()), 4); /* x, its data and bell, the filler */

    /* Every byte of what is there was reserved, and everything else works, too. */
    memset(ferry_segment_data(segment), 0xA5, 300000);
    CHECK_OK(open_with("x", 0, 0));
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_notify(segment));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_EQ(look("x").attached, 1);
    CHECK_OK(ferry_sweep());
    destroy(segment, "x");
    CHECK_OK(open_with("y", FERRY_CREATE, 300000)); /* there is room again */
    CHECK_OK(ferry_remove("y"));
    finish();
}

TEST(creation_at_every_size_of_the_root_works_or_leaves_nothing) /* G3, G10 */
{
    for (int kib = 4, r = -ENOSPC; r < 0; kib += 4) {
        CHECK(kib < 100);
        char options[32];
        snprintf(options, sizeof options, "size=%dk", kib);
        mount_over_root(0, options);
        r = open_with("x", FERRY_CREATE, 8192);
        if (r < 0)
            FAILS(r, ENOSPC, "ferry rm");
        else
            CHECK_OK(ferry_remove("x"));
        finish();
    }
}

TEST(creation_at_every_number_of_inodes_works_or_leaves_nothing) /* G3, G10 */
{
    for (int inodes = 1, r = -ENOSPC; r < 0; inodes++) {
        CHECK(inodes < 20);
        char options[32];
        snprintf(options, sizeof options, "size=1m,nr_inodes=%d", inodes);
        mount_over_root(0, options);
        r = open_with("x", FERRY_CREATE, 64);
        if (r < 0)
            FAILS(r, ENOSPC, "ferry rm");
        else
            CHECK_OK(ferry_remove("x"));
        finish();
    }
}

TEST(what_is_said_of_a_full_root_is_not_what_was_met_while_cleaning_it) /* G10 */
{
    mount_over_root(0, "size=1m");
    close(open(in_root("ferry.junk"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    fill_root();
    FAILS(open_with("x", FERRY_CREATE, 64), ENOSPC, "ferry rm");
    CHECK_OK(ferry_remove("junk"));
    finish();
}

static void hold(void *context)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(
        &segment, "temp",
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_TEMPORARY, .size_bytes = 600000)));
    test_gate_open(context);
    stay();
}

TEST(what_the_dead_left_in_a_full_root_makes_room) /* G5, G10 */
{
    mount_over_root(0, "size=1m");
    struct test_gate *gate = test_gate_new();
    pid_t pid = test_child(hold, gate);
    test_gate_wait(gate);
    FAILS(open_with("x", FERRY_CREATE, 600000), ENOSPC, "ferry rm");
    test_kill(pid);
    CHECK_OK(open_with("x", FERRY_CREATE, 600000));
    CHECK_OK(ferry_remove("x"));
    finish();
}

/* ---- Limits of the process ------------------------------------------------------------------- */

TEST(a_file_size_limit_is_an_error_and_not_a_signal) /* G10, G12 */
{
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_FSIZE, &limit));
    const rlim_t limits[] = {0, 1, 63, 64, 4096, 8192, 266239};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &(struct rlimit){limits[i], limit.rlim_max}));
        FAILS(open_with("x", FERRY_CREATE, 64), EFBIG, "ulimit -f");
        FAILS(open_with(NULL, 0, 64), EFBIG, "ulimit -f");
        CHECK_EQ(count_entries(test_root()), 0);
    }
    CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, limit.rlim_max}));
    CHECK_OK(open_with(NULL, 0, 300000));
    FAILS(open_with("x", FERRY_CREATE, 300001), EFBIG, "ulimit -f");
    ferry_segment *segment = create("x", 300000);

    /* What is there can be used under any limit. */
    CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, limit.rlim_max}));
    CHECK_OK(open_with("x", 0, 0));
    CHECK_OK(ferry_segment_lock(segment, FERRY_NOW));
    CHECK_OK(ferry_segment_unlock(segment));
    CHECK_OK(ferry_segment_descriptor(segment));
    CHECK_OK(ferry_segment_notify(segment));
    memset(ferry_segment_data(segment), 1, 300000);
    CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &limit));
    destroy(segment, "x");
}

/* The memory that this process has mapped, in bytes. */
static rlim_t mapped(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return pages * 4096;
}

TEST(at_every_limit_of_address_space_an_open_works_or_says_so) /* G10 */
{
    if (SANITIZED)
        SKIP("a sanitizer needs the address space itself");
    struct rlimit limit;
    CHECK_ERRNO(getrlimit(RLIMIT_AS, &limit));
    int failures = 0;
    for (int name = 0; name < 2; name++) {
        int r = -ENOMEM;
        for (rlim_t more = 0; r < 0; more += 65536) {
            CHECK(more < 4 << 20);
            CHECK_ERRNO(setrlimit(RLIMIT_AS, &(struct rlimit){mapped() + more, limit.rlim_max}));
            r = open_with(name == 0 ? "x" : NULL, FERRY_CREATE, 1 << 20);
            if (r < 0)
                FAILS(r, ENOMEM, "ulimit -v");
            failures += r < 0;
            CHECK_ERRNO(setrlimit(RLIMIT_AS, &limit));
            CHECK_EQ(count_entries(test_root()), r < 0 || name == 1 ? 0 : 3);
            if (r == 0 && name == 0)
                CHECK_OK(ferry_remove("x"));
        }
    }
    CHECK(failures > 8);
    CHECK_OK(open_with("x", FERRY_CREATE, 1 << 20));
    CHECK_OK(ferry_remove("x"));
}

/* ---- The root -------------------------------------------------------------------------------- */

static void nothing_works(int code, const char *words)
{
    struct ferry_object object = {.object_bytes = sizeof object};
    const int results[] = {open_with("x", 0, 0),
                           open_with("x", FERRY_CREATE, 64),
                           open_with("x", FERRY_CREATE | FERRY_EXCLUSIVE, 64),
                           ferry_look("x", &object),
                           ferry_look_members("x", NULL, 0),
                           ferry_remove("x"),
                           ferry_sweep()};
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        CHECK_EQ(results[i], -code);
    FAILS(open_with("x", FERRY_CREATE, 64), code, words);
    CHECK_CONTAINS(ferry_explain(), "FERRY_ROOT");
    CHECK_OK(open_with(NULL, 0, 64)); /* has no name and needs no root */
}

TEST(a_root_that_is_missing_or_no_directory_says_what_to_do) /* G10 */
{
    setenv("FERRY_ROOT", "/no/such/place", 1);
    nothing_works(ENOTDIR, "/no/such/place");
    setenv("FERRY_ROOT", "/etc/passwd", 1);
    nothing_works(ENOTDIR, "not a directory");
}

TEST(a_root_mounted_read_only_says_what_to_do) /* G10 */
{
    mount_over_root(0, "size=1m");
    ferry_segment_close(create("x", 64));
    CHECK_ERRNO(mount(NULL, test_root(), NULL, MS_REMOUNT | MS_RDONLY, NULL));
    FAILS(open_with("x", 0, 0), EROFS, "remount");
    FAILS(open_with("y", FERRY_CREATE, 64), EROFS, "FERRY_ROOT");
    FAILS(ferry_remove("x"), EROFS, "remount");
    CHECK_EQ(look("x").attached, 0); /* looking works */
    CHECK_ERRNO(mount(NULL, test_root(), NULL, MS_REMOUNT, NULL));
    CHECK_OK(ferry_remove("x"));
    finish();
}

static void become_nobody(void)
{
    if (geteuid() == 0) {
        CHECK_ERRNO(setgid(65534));
        CHECK_ERRNO(setuid(65534));
    }
}

static void cannot_make(void *context)
{
    (void)context;
    become_nobody();
    FAILS(open_with("x", FERRY_CREATE, 64), EACCES, "FERRY_ROOT");
}

TEST(a_root_without_write_permission_says_what_to_do) /* G4, G10 */
{
    for (mode_t mode = 0755; mode != 0; mode = mode == 0755 ? 0700 : 0) {
        CHECK_ERRNO(chmod(test_root(), mode));
        test_wait_ok(test_child(cannot_make, NULL));
    }
}

static void make_for_nobody(void *context)
{
    (void)context;
    become_nobody();
    ferry_segment *segment;
    umask(0777);
    FAILS(open_with("x", FERRY_CREATE, 64), EACCES, "umask");
    umask(0);
    CHECK_EQ(
        ferry_segment_open(&segment, "x",
                           FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64, .mode = 0060)),
        -EACCES);
    CHECK_CONTAINS(ferry_explain(), "mode");
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(permissions_that_shut_out_the_maker_are_refused) /* G2, G10 */
{
    CHECK_ERRNO(chmod(test_root(), 01777));
    test_wait_ok(test_child(make_for_nobody, NULL));
}

TEST(the_umask_shows_in_the_mode_and_in_nothing_else) /* G2 */
{
    const mode_t masks[] = {0, 022, 027, 077, 0177};
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        umask(masks[i]);
        ferry_segment *segment;
        CHECK_OK(ferry_segment_open(
            &segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 64, .mode = 0666)));
        CHECK_EQ(look("x").mode, 0666u & ~masks[i]);
        CHECK_OK(open_with("x", 0, 0));
        CHECK_OK(ferry_segment_descriptor(segment));
        destroy(segment, "x");
        CHECK_EQ(count_entries(test_root()), 0);
    }
}

/* Bad days, first part: names that are none, sizes that cannot be, and things in the root that are
 * not what they seem.  Each gets a clear error with its cure, and nothing is lost. */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "bad.h"

enum { CONTROL_BYTES = 266240 }; /* of a control file, in version 1 */

/* ---- Names and sizes ------------------------------------------------------------------------- */

static int ignore(const struct ferry_field *field, void *context)
{
    (void)field;
    (void)context;
    return 0;
}

TEST(bad_names_are_refused_by_every_call_and_make_nothing) /* U1 */
{
    static char long_name[300];
    memset(long_name, 'n', FERRY_NAME_MAX + 1);
    const struct {
        const char *name, *words;
    } bad[] = {
        {"", "at least one character"},
        {long_name, "at most 200 bytes"},
        {"a/b", "no slash"},
        {"/etc/passwd", "no slash"},
        {".", "begin with a dot"},
        {"..", "begin with a dot"},
        {".x", "begin with a dot"},
        {"-x", "begin with a dash"},
        {"a:b", "no colon"},
        {"\xFF", "UTF-8"},
        {"\xC0\xAF", "UTF-8"},
        {"a\nb", "control character"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *name = bad[i].name;
        struct ferry_object object = {.object_bytes = sizeof object};
        FAILS(open_with(name, 0, 0), EINVAL, bad[i].words);
        FAILS(open_with(name, FERRY_CREATE, 64), EINVAL, bad[i].words);
        FAILS(ferry_look(name, &object), EINVAL, bad[i].words);
        FAILS(ferry_look_members(name, NULL, 0), EINVAL, bad[i].words);
        FAILS(ferry_look_raw(name, ignore, NULL), EINVAL, bad[i].words);
        FAILS(ferry_remove(name), EINVAL, bad[i].words);
    }
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(size_0_is_refused_with_a_word_on_what_to_say) /* H1 */
{
    FAILS(open_with("x", FERRY_CREATE, 0), EINVAL, "--size");
    FAILS(open_with(NULL, 0, 0), EINVAL, "--size");
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(sizes_beyond_memory_are_refused_before_any_is_eaten) /* G10 */
{
    const struct {
        uint64_t size;
        const char *words;
    } bad[] = {
        {UINT64_MAX, "more than any file can have"},
        {(uint64_t)INT64_MAX + 1, "more than any file can have"},
        {INT64_MAX, "ask for less"},
        {UINT64_C(1) << 62, "ask for less"},
        {UINT64_C(1) << 45, "ask for less"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FAILS(open_with("x", FERRY_CREATE, bad[i].size), ENOMEM, bad[i].words);
        FAILS(open_with("x", FERRY_CREATE | FERRY_EXCLUSIVE, bad[i].size), ENOMEM, bad[i].words);
        FAILS(open_with(NULL, 0, bad[i].size), ENOMEM, bad[i].words);
        CHECK_EQ(count_entries(test_root()), 0);
    }
    CHECK_OK(open_with("x", FERRY_CREATE, 64));
    CHECK_OK(ferry_remove("x"));
}

/* ---- What is not Ferry's --------------------------------------------------------------------- */

static uint32_t listed;

static int count_listed(const struct ferry_object *object, void *words)
{
    if (object->anonymous) /* another test's: they are listed whatever the root */
        return 0;
    if (object->name[0] == 'h') /* held:…, by whoever else is on this machine */
        return 0;
    listed++;
    CHECK_STR(object->name, "x");
    CHECK(object->damaged);
    CHECK_CONTAINS(object->damage, words);
    return 0;
}

/* Something goes by the name "x" that is no sound object: refused, shown as damaged, not touched by
 * anything but a removal, which makes the name free. */
static void refused_shown_and_removed(int code, const char *words)
{
    struct stat before, after;
    CHECK_ERRNO(lstat(in_root("ferry.x"), &before));
    const unsigned flags[] = {0, FERRY_READ, FERRY_CREATE, FERRY_CREATE | FERRY_TEMPORARY};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        CHECK_EQ(open_with("x", flags[i], flags[i] & FERRY_CREATE ? 64 : 0), -code);
        CHECK_CONTAINS(ferry_explain(), words);
        CHECK_CONTAINS(ferry_explain(), "\"x\"");
    }
    FAILS(open_with("x", FERRY_CREATE | FERRY_EXCLUSIVE, 64), EEXIST, "exists already");

    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_OK(ferry_look("x", &object));
    CHECK(object.damaged);
    CHECK_CONTAINS(object.damage, words);
    CHECK_EQ(object.owner, before.st_uid);
    listed = 0;
    CHECK_OK(ferry_list(count_listed, (void *)(uintptr_t)words));
    CHECK_EQ(listed, 1);
    CHECK_ERR(ferry_look_raw("x", ignore, NULL), EBADMSG);

    CHECK_OK(ferry_sweep());
    CHECK_ERRNO(lstat(in_root("ferry.x"), &after));
    CHECK(before.st_ino == after.st_ino && before.st_size == after.st_size &&
          before.st_mode == after.st_mode && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);

    CHECK_OK(ferry_remove("x"));
    CHECK_OK(open_with("x", FERRY_CREATE | FERRY_EXCLUSIVE, 64));
    CHECK_OK(ferry_remove("x"));
    ferry_sweep(); /* of the data that a damaged object has left */
    CHECK_EQ(count_entries(test_root()), 0);
}

static void put_file(const char *bytes, size_t count, off_t size)
{
    int fd = open(in_root("ferry.x"), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    CHECK_EQ(write(fd, bytes, count), (ssize_t)count);
    CHECK_ERRNO(ftruncate(fd, size));
    close(fd);
}

TEST(a_file_that_is_not_ferrys_is_left_alone) /* G9 */
{
    static char text[64] = "something quite different";
    put_file(text, sizeof(text), sizeof(text));
    refused_shown_and_removed(EBADMSG, "not Ferry's");
    put_file(text, sizeof(text), CONTROL_BYTES);
    refused_shown_and_removed(EBADMSG, "not Ferry's");
    put_file("", 0, CONTROL_BYTES);
    refused_shown_and_removed(EBADMSG, "not Ferry's");
    put_file("", 0, 0);
    refused_shown_and_removed(EBADMSG, "cut short");
}

TEST(a_control_file_of_any_other_length_is_refused) /* G9 */
{
    const off_t lengths[] = {0,
                             1,
                             7,
                             8,
                             12,
                             63,
                             64,
                             65,
                             127,
                             128,
                             192,
                             255,
                             4095,
                             4096,
                             4097,
                             8191,
                             8192,
                             CONTROL_BYTES - 64,
                             CONTROL_BYTES - 1,
                             CONTROL_BYTES + 1,
                             2 * CONTROL_BYTES};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        CHECK_OK(open_with("x", FERRY_CREATE, 64));
        CHECK_ERRNO(truncate(in_root("ferry.x"), lengths[i]));
        refused_shown_and_removed(EBADMSG, lengths[i] < 64 ? "cut short" : "damaged");
    }
}

/* Changes a byte of the control file of "x". */
static void poke(off_t at, unsigned char change)
{
    unsigned char byte;
    int fd = open(in_root("ferry.x"), O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    CHECK_EQ(pread(fd, &byte, 1, at), 1);
    byte ^= change;
    CHECK_EQ(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

TEST(another_layout_version_is_an_error_and_never_a_guess) /* G14 */
{
    CHECK_OK(open_with("x", FERRY_CREATE, 64));
    poke(8, 1 ^ 2);
    refused_shown_and_removed(EPROTO, "layout version 2");
    CHECK_OK(open_with("x", FERRY_CREATE, 64));
    poke(8, 1);
    refused_shown_and_removed(EPROTO, "make it anew");
    CHECK_OK(open_with("x", FERRY_CREATE, 64));
    poke(19, 0x40);
    refused_shown_and_removed(EPROTO, "features 0x40000000");
}

TEST(a_damaged_identity_is_refused_whichever_byte_it_is) /* G9 */
{
    for (off_t at = 0; at < 64; at++) {
        bool newer = (at >= 8 && at < 12) || (at >= 16 && at < 20);
        CHECK_OK(open_with("x", FERRY_CREATE, 64));
        poke(at, 0xA5);
        refused_shown_and_removed(newer ? EPROTO : EBADMSG, newer    ? "library"
                                                            : at < 8 ? "not Ferry's"
                                                                     : "make it anew");
    }
}

TEST(a_symbolic_link_is_not_followed) /* G4 */
{
    ferry_segment *other = create("other", 64);
    char target[600];
    snprintf(target, sizeof target, "%s", in_root("ferry.other"));
    destroy(other, "other");
    const char *const targets[] = {"/etc/passwd", "nowhere", ".", "ferry.x", "/dev/null", target};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        CHECK_ERRNO(symlink(targets[i], in_root("ferry.x")));
        refused_shown_and_removed(EBADMSG, "symbolic link");
    }
    CHECK_ERRNO(access("/etc/passwd", R_OK));
}

TEST(a_link_to_a_sound_object_is_no_second_name_for_it) /* G4 */
{
    ferry_segment *real = create("real", 64);
    CHECK_ERRNO(symlink("ferry.real", in_root("ferry.x")));
    FAILS(open_with("x", 0, 0), EBADMSG, "symbolic link");
    CHECK_OK(ferry_remove("x"));
    CHECK_EQ(look("real").attached, 1);
    destroy(real, "real");
}

TEST(a_fifo_is_not_waited_for) /* G9 */
{
    CHECK_ERRNO(mkfifo(in_root("ferry.x"), 0600));
    refused_shown_and_removed(EBADMSG, "not a regular file");
}

TEST(a_socket_is_refused) /* G9 */
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", in_root("ferry.x"));
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&address, sizeof address));
    refused_shown_and_removed(EBADMSG, "not a regular file");
    close(fd);
}

TEST(a_device_is_refused) /* G9 */
{
    if (mknod(in_root("ferry.x"), S_IFCHR | 0600, makedev(1, 3)) < 0)
        SKIP("making a device takes root");
    refused_shown_and_removed(EBADMSG, "not a regular file");
}

TEST(a_device_is_refused_where_devices_cannot_be_opened) /* G9 */
{
    mount_over_root(MS_NODEV, "size=1m");
    CHECK_ERRNO(mknod(in_root("ferry.x"), S_IFCHR | 0600, makedev(1, 3)));
    refused_shown_and_removed(EBADMSG, "not a regular file");
}

TEST(a_directory_is_refused_and_even_ferry_does_not_remove_it) /* G9 */
{
    CHECK_ERRNO(mkdir(in_root("ferry.x"), 0700));
    FAILS(open_with("x", 0, 0), EBADMSG, "not a regular file");
    FAILS(open_with("x", FERRY_CREATE, 64), EBADMSG, "not a regular file");
    FAILS(open_with("x", FERRY_CREATE | FERRY_EXCLUSIVE, 64), EEXIST, "ferry rm");
    FAILS(ferry_remove("x"), EISDIR, "directory");
    CHECK_ERRNO(rmdir(in_root("ferry.x")));
}

TEST(files_of_others_in_the_root_are_none_of_ferrys_business) /* G9 */
{
    const char *const files[] = {"other", "ferry.", "ferry..x", "ferry.a:b", "sem.x"};
    for (size_t i = 0; i < 5; i++)
        close(open(in_root(files[i]), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    listed = 0;
    CHECK_OK(ferry_list(count_listed, (void *)(uintptr_t) ""));
    CHECK_OK(ferry_sweep());
    CHECK_EQ(listed, 0);
    for (size_t i = 0; i < 5; i++)
        CHECK_ERRNO(unlink(in_root(files[i])));
}

TEST(an_error_is_explained_by_itself_and_not_by_what_was_met_in_passing) /* G10 */
{
    put_file("nonsense", 8, 8);
    FAILS(ferry_remove("missing"), ENOENT, "there is no \"missing\""); /* sweeps */
    unlink(in_root("ferry.x"));
}

/* ---- The data -------------------------------------------------------------------------------- */

TEST(an_object_that_has_lost_its_data_says_so) /* G9 */
{
    CHECK_OK(open_with("x", FERRY_CREATE, 64));
    CHECK_ERRNO(unlink(find_in_root("ferry.x:data:")));
    FAILS(open_with("x", 0, 0), EBADMSG, "lost its data; remove it");
    FAILS(open_with("x", FERRY_CREATE, 64), EBADMSG, "make it anew");
    CHECK_OK(ferry_remove("x"));
    CHECK_EQ(count_entries(test_root()), 0);
}

TEST(data_of_another_size_are_refused) /* G9 */
{
    const off_t lengths[] = {0, 1, 4095, 4096, 8192, 1 << 20};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        CHECK_OK(open_with("x", FERRY_CREATE, 4097));
        CHECK_ERRNO(truncate(find_in_root("ferry.x:data:"), lengths[i]));
        FAILS(open_with("x", 0, 0), EBADMSG, "not what its control memory says");
        FAILS(open_with("x", FERRY_READ, 0), EBADMSG, "remove it");
        CHECK_OK(ferry_remove("x"));
        CHECK_EQ(count_entries(test_root()), 0);
    }
}

TEST(data_that_are_no_file_are_refused) /* G9 */
{
    for (int kind = 0; kind < 3; kind++) {
        CHECK_OK(open_with("x", FERRY_CREATE, 64));
        char path[512];
        snprintf(path, sizeof path, "%s", find_in_root("ferry.x:data:"));
        CHECK_ERRNO(unlink(path));
        if (kind == 0)
            CHECK_ERRNO(mkfifo(path, 0600));
        else if (kind == 1)
            CHECK_ERRNO(symlink("/etc/passwd", path));
        else
            CHECK_ERRNO(mkdir(path, 0700));
        FAILS(open_with("x", 0, 0), EBADMSG, "remove it");
        CHECK_OK(ferry_remove("x"));
        if (kind == 2)
            CHECK_ERRNO(rmdir(path));
        CHECK_EQ(count_entries(test_root()), 0);
    }
}

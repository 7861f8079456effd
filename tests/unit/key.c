/* Keys from a path and a number (contract H1, X7). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "test.h"

/* A directory outside the root, gone with the case. */
static const char *scratch(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/scratch", test_root());
    CHECK_ERRNO(mkdir(path, 0700));
    CHECK_ERRNO(chdir(path));
    return path;
}

static void clean(const char *path)
{
    CHECK_ERRNO(chdir("/"));
    CHECK_ERRNO(rmdir(path));
}

static void touch(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    CHECK_ERRNO(fd);
    close(fd);
}

static uint32_t key_of(const char *path, int project)
{
    uint32_t key = 0;
    CHECK_OK(ferry_key_from_path(&key, path, project));
    return key;
}

TEST(one_file_and_one_project_give_one_key_by_whatever_path) /* H1, X7 */
{
    const char *directory = scratch();
    touch("a");
    CHECK_ERRNO(symlink("a", "soft"));
    CHECK_ERRNO(link("a", "hard"));
    char full[128];
    snprintf(full, sizeof(full), "%s/./a", directory);
    uint32_t key = key_of("a", 7);
    CHECK_EQ(key_of("a", 7), key);
    CHECK_EQ(key_of("./a", 7), key);
    CHECK_EQ(key_of(full, 7), key);
    CHECK_EQ(key_of("soft", 7), key);
    CHECK_EQ(key_of("hard", 7), key);
    unlink("a");
    unlink("soft");
    unlink("hard");
    clean(directory);
}

TEST(all_255_projects_of_a_file_differ) /* H1 */
{
    uint32_t keys[256];
    for (int project = 1; project < 256; project++) {
        keys[project] = key_of("/", project);
        for (int other = 1; other < project; other++)
            CHECK(keys[other] != keys[project]);
    }
}

TEST(different_files_differ) /* H1 */
{
    const char *directory = scratch();
    touch("a");
    touch("b");
    CHECK(key_of("a", 1) != key_of("b", 1));
    CHECK(key_of("a", 1) != key_of(".", 1));
    unlink("a");
    unlink("b");
    clean(directory);
}

TEST(a_key_that_cannot_be_made_says_why) /* H1 */
{
    uint32_t key = 77;
    CHECK_ERR(ferry_key_from_path(&key, "/", 0), EINVAL);
    CHECK_CONTAINS(ferry_explain(), "1 to 255");
    CHECK_ERR(ferry_key_from_path(&key, "/", 256), EINVAL);
    CHECK_ERR(ferry_key_from_path(&key, "/", -1), EINVAL);
    CHECK_ERR(ferry_key_from_path(&key, "/no/such/file", 1), ENOENT);
    CHECK_CONTAINS(ferry_explain(), "/no/such/file");
    CHECK_ERR(ferry_key_from_path(&key, "/etc/passwd/x", 1), ENOTDIR);
    CHECK_EQ(key, 77);
}

TEST(the_name_of_a_key_is_a_name) /* U1, H1 */
{
    const uint32_t keys[] = {0, 1, 0x0104ABCD, UINT32_MAX};
    const char *const names[] = {"key:0x00000000", "key:0x00000001", "key:0x0104abcd",
                                 "key:0xffffffff"};
    for (size_t i = 0; i < 4; i++) {
        char name[15];
        CHECK_OK(ferry_key_name(name, sizeof(name), keys[i]));
        CHECK_STR(name, names[i]);
        CHECK_OK(ferry_name_check(name));
    }
}

TEST(a_buffer_too_small_for_a_key_is_left_alone) /* H1 */
{
    char name[15] = "untouched";
    CHECK_ERR(ferry_key_name(name, 14, 1), ENOSPC);
    CHECK_CONTAINS(ferry_explain(), "15 bytes");
    CHECK_ERR(ferry_key_name(name, 0, 1), ENOSPC);
    CHECK_STR(name, "untouched");
}

TEST(a_segment_opens_by_its_key) /* H1 */
{
    char name[FERRY_NAME_SIZE];
    CHECK_OK(ferry_key_name(name, sizeof(name), key_of("/", 9)));
    ferry_segment *one, *two;
    CHECK_OK(ferry_segment_open(&one, name, FERRY_SEGMENT(.flags = FERRY_CREATE, .size_bytes = 8)));
    CHECK_OK(ferry_segment_open(&two, name, NULL));
    CHECK_OK(ferry_remove(name));
    CHECK_ERR(ferry_segment_open(&two, name, NULL), ENOENT);
    ferry_segment_close(one);
    ferry_segment_close(two);
}

/* Names of files in the root, there and back (contract U1). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "shared/root.h"
#include "test.h"

static void there_and_back(const char *name)
{
    const uint64_t ids[] = {0, 1, UINT64_C(0x0123456789abcdef), UINT64_MAX};
    for (enum root_part part = ROOT_CONTROL; part <= ROOT_BELL; part++) {
        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
            char file[ROOT_FILE_SIZE], parsed[FERRY_NAME_SIZE];
            enum root_part found;
            uint64_t id;
            root_file(file, name, part, ids[i]);
            CHECK(strlen(file) <= 255); /* NAME_MAX */
            CHECK(strchr(file, '/') == NULL);
            CHECK_EQ(root_parse(file, parsed, &found, &id), 1);
            CHECK_STR(parsed, name);
            CHECK_EQ(found, part);
            CHECK_EQ(id, part == ROOT_CONTROL ? 0 : ids[i]);
        }
    }
}

TEST(every_name_survives_the_way_through_a_file_name) /* U1 */
{
    char longest[FERRY_NAME_MAX + 1];
    memset(longest, 'n', FERRY_NAME_MAX);
    longest[FERRY_NAME_MAX] = '\0';
    const char *const names[] = {
        "a",
        "hello",
        "eu.orders",
        "ferry.",
        "ferry.ferry.x",
        "data",
        "bell.0123456789abcdef",
        "two words",
        "grüße",
        "注文",
        "(deleted)",
        "a (deleted)",
        "*?[]\"'$\\",
        "key:0x0104abcd",
        "0123456789abcdef",
        longest,
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_OK(ferry_name_check(names[i]));
        there_and_back(names[i]);
    }
}

TEST(files_are_called_as_documented)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, "x", ROOT_CONTROL, 7);
    CHECK_STR(file, "ferry.x");
    root_file(file, "x", ROOT_DATA, 7);
    CHECK_STR(file, "ferry.x:data:0000000000000007");
    root_file(file, "x", ROOT_BELL, UINT64_MAX);
    CHECK_STR(file, "ferry.x:bell:ffffffffffffffff");
    root_file(file, "key:0x0104abcd", ROOT_BELL, 7);
    CHECK_STR(file, "ferry.key:0x0104abcd:bell:0000000000000007");
}

TEST(files_that_are_not_ferrys_are_none) /* G9 */
{
    char too_long[512] = "ferry.";
    memset(too_long + 6, 'n', 300);
    const char *const files[] = {
        "",
        ".",
        "..",
        "ferry",
        "ferry.",
        "Ferry.x",
        "xferry.x",
        "pulse-shm-1",
        "ferry..hidden",
        "ferry.-x",
        "ferry.a:b",
        "ferry.:data:0000000000000007",
        "ferry.x:data:",
        "ferry.x:data:7",
        "ferry.x:data:000000000000000G",
        "ferry.x:data:000000000000000A",
        "ferry.x:data:00000000000000007",
        "ferry.x:bud:0000000000000007",
        "ferry.x:data:0000000000000007 ",
        "ferry.key:0x0104ABCD",
        "ferry.a\nb",
        "ferry.\xFF",
        "ferry.x:data:0000000000000007:data:0000000000000007",
        too_long,
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char name[FERRY_NAME_SIZE];
        enum root_part part;
        uint64_t id;
        CHECK_EQ(root_parse(files[i], name, &part, &id), 0);
    }
}

TEST(the_root_is_where_the_environment_says)
{
    CHECK_STR(root_path(), test_root());
    unsetenv("FERRY_ROOT");
    CHECK_STR(root_path(), "/dev/shm");
    setenv("FERRY_ROOT", "", 1);
    CHECK_STR(root_path(), "/dev/shm");
}

TEST(a_root_that_is_none_says_what_to_do) /* G10 */
{
    setenv("FERRY_ROOT", "/no/such/directory", 1);
    CHECK_ERR(root_open(), ENOTDIR);
    CHECK_CONTAINS(ferry_explain(), "/no/such/directory");
    CHECK_CONTAINS(ferry_explain(), "set FERRY_ROOT");
    setenv("FERRY_ROOT", "/etc/passwd", 1);
    CHECK_ERR(root_open(), ENOTDIR);
    CHECK_CONTAINS(ferry_explain(), "not a directory");
}

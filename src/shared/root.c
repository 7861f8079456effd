/* File names in the root.  See root.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/name.h"
#include "shared/root.h"

static const char PREFIX[] = "ferry.";
static const char *const PARTS[] = {"", ":data:", ":bell:"};
enum { ID_DIGITS = 16 };

const char *root_path(void)
{
    const char *path = secure_getenv("FERRY_ROOT");
    return path != NULL && path[0] != '\0' ? path : "/dev/shm";
}

int root_open(void)
{
    int directory = open(root_path(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0)
        return directory;
    if (errno == ENOENT || errno == ENOTDIR)
        return fail(-ENOTDIR,
                    "the root %s is not a directory; make it, or set FERRY_ROOT to one "
                    "(best a tmpfs)",
                    root_path());
    return fail_errno(-errno, "the root %s cannot be used", root_path());
}

void root_file(char ret_file[ROOT_FILE_SIZE], const char *name, enum root_part part, uint64_t id)
{
    if (part == ROOT_CONTROL)
        snprintf(ret_file, ROOT_FILE_SIZE, "%s%s", PREFIX, name);
    else
        snprintf(ret_file, ROOT_FILE_SIZE, "%s%s%s%016llx", PREFIX, name, PARTS[part],
                 (unsigned long long)id);
}

/* Finds ":data:0123456789abcdef" at the end; returns where it begins, or -1. */
static int find_part(const char *text, enum root_part part, uint64_t *ret_id)
{
    size_t suffix = strlen(PARTS[part]) + ID_DIGITS;
    size_t length = strlen(text);
    if (length <= suffix)
        return -1;
    const char *at = text + length - suffix;
    const char *digits = text + length - ID_DIGITS;
    if (strncmp(at, PARTS[part], strlen(PARTS[part])) != 0 ||
        strspn(digits, "0123456789abcdef") != ID_DIGITS)
        return -1;
    *ret_id = strtoull(digits, NULL, 16);
    return (int)(at - text);
}

int root_parse(const char *file, char ret_name[FERRY_NAME_SIZE], enum root_part *ret_part,
               uint64_t *ret_id)
{
    if (strncmp(file, PREFIX, sizeof(PREFIX) - 1) != 0)
        return 0;
    file += sizeof(PREFIX) - 1;
    size_t length = strlen(file);
    if (length >= FERRY_NAME_SIZE)
        return 0;
    *ret_part = ROOT_CONTROL;
    *ret_id = 0;
    for (enum root_part part = ROOT_DATA; part <= ROOT_BELL; part++) {
        int at = find_part(file, part, ret_id);
        if (at > 0) {
            *ret_part = part;
            length = (size_t)at;
            break;
        }
    }
    memcpy(ret_name, file, length);
    ret_name[length] = '\0';
    return name_is_valid(ret_name);
}

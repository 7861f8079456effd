/* Private roots, on tmpfs as the real one is. */
#include "root.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static char path[64];

const char *test_root(void)
{
    return path;
}

void root_make(void)
{
    strcpy(path, "/dev/shm/ferry-test-XXXXXX");
    if (!mkdtemp(path) || setenv("FERRY_ROOT", path, 1) < 0) {
        perror("test runner: cannot make a directory in /dev/shm");
        exit(2);
    }
}

static int remove_entry(const char *entry, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    remove(entry);
    return 0;
}

void root_remove(void)
{
    if (*path)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    *path = '\0';
}

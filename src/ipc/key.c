/* Keys: a number that programs find independently, from a file both know and a number they agreed
 * on.  All bits of device and inode go in; ftok(3) drops most of them. */
#include <errno.h>
#include <sys/stat.h>

#include <ferry/base.h>

#include "base/error.h"

/* FNV-1a, 32 bits, over the eight bytes of a number, least first. */
static uint32_t mix(uint32_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++, number >>= 8)
        hash = (hash ^ (uint32_t)(number & 0xFF)) * UINT32_C(16777619);
    return hash;
}

int ferry_key_from_path(uint32_t *ret_key, const char *path, int project)
{
    if (project < 1 || project > 255)
        return fail(-EINVAL, "a project is a number from 1 to 255; %d is not", project);
    struct stat status;
    if (stat(path, &status) < 0)
        return fail_errno(-errno, "no key can be made from \"%s\"", path);
    uint32_t hash = mix(UINT32_C(2166136261), (uint64_t)status.st_dev);
    hash = mix(hash, (uint64_t)status.st_ino);
    *ret_key = mix(hash, (uint64_t)project);
    return 0;
}

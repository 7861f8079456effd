/* The version, and the words for the kinds of object. */
#include <ferry/base.h>

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

const char *ferry_version(void)
{
    return TEXT(FERRY_VERSION_MAJOR) "." TEXT(FERRY_VERSION_MINOR) "." TEXT(FERRY_VERSION_PATCH);
}

const char *ferry_kind_name(int kind)
{
    switch (kind) {
    case FERRY_KIND_SEGMENT:
        return "segment";
    case FERRY_KIND_PIPE:
        return "pipe";
    case FERRY_KIND_QUEUE:
        return "queue";
    case FERRY_KIND_SEMAPHORE:
        return "semaphore";
    case FERRY_KIND_MUTEX:
        return "mutex";
    case FERRY_KIND_RWLOCK:
        return "rwlock";
    case FERRY_KIND_CONDITION:
        return "condition";
    case FERRY_KIND_BARRIER:
        return "barrier";
    default:
        return "unknown";
    }
}

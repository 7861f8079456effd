/* What every mechanism shares: names, timeouts, flags, errors.
 *
 * Every function returns 0 or a count on success and -errno on failure; outputs (`ret_…`) are
 * written on success alone.  After a failure, ferry_explain() says in one sentence what was wrong
 * and what would cure it.  No function prints, exits or installs a signal handler, and none starts a thread
 * but ferry_queue_notify() for whom it is asked for.
 *
 * A name is 1 to 200 bytes of UTF-8: no slash, colon or control character, no leading dot or dash.
 * `key:0x0104abcd`, as made by ferry_key_name(), is a name, too.  All names live in one root
 * directory: $FERRY_ROOT, or /dev/shm. */
#ifndef FERRY_BASE_H
#define FERRY_BASE_H

#include <stddef.h>
#include <stdint.h>

#define FERRY_VERSION_MAJOR 0
#define FERRY_VERSION_MINOR 1
#define FERRY_VERSION_PATCH 0

/* Everything declared between these two is exported from the library. */
#if defined(__GNUC__)
#define FERRY_API __attribute__((visibility("default")))
#else
#define FERRY_API
#endif

#ifdef __cplusplus
#define FERRY_BEGIN extern "C" {
#define FERRY_END   }
#else
#define FERRY_BEGIN
#define FERRY_END
#endif

FERRY_BEGIN

/* Timeouts are in nanoseconds on the monotonic clock. */
#define FERRY_NOW     INT64_C(0)  /* do not wait: -EAGAIN if it cannot be done at once */
#define FERRY_FOREVER INT64_C(-1) /* wait for as long as it takes */

/* Flags for opening an object. */
#define FERRY_CREATE    0x01u /* make the object if there is none */
#define FERRY_EXCLUSIVE 0x02u /* with CREATE: -EEXIST if there is one */
#define FERRY_TEMPORARY                                                                            \
    0x04u                 /* with CREATE: the name is gone with the last member, however it goes */
#define FERRY_READ  0x08u /* role; neither READ nor WRITE means both */
#define FERRY_WRITE 0x10u /* role */
#define FERRY_EINTR 0x20u /* waits on this handle end with -EINTR when a signal handler ran */
#define FERRY_TAP                                                                                  \
    0x400u /* pipes, queues: to look on, without taking part; see ferry_pipe_tap(), ferry_queue_tap() */

/* The longest name in bytes, and a buffer that holds any name. */
#define FERRY_NAME_MAX  200
#define FERRY_NAME_SIZE 256

/* What kind of object a name stands for. */
enum ferry_kind {
    FERRY_KIND_SEGMENT = 1,
    FERRY_KIND_PIPE = 2,
    FERRY_KIND_QUEUE = 3,
    FERRY_KIND_SEMAPHORE = 4,
    FERRY_KIND_MUTEX = 5,
    FERRY_KIND_RWLOCK = 6,
    FERRY_KIND_CONDITION = 7,
    FERRY_KIND_BARRIER = 8,
};

/* The word for a kind as the command spells it ("segment"), or "unknown". */
FERRY_API const char *ferry_kind_name(int kind);

/* The library's version, "0.1.0". */
FERRY_API const char *ferry_version(void);

/* One sentence about the calling thread's last failure, with its cure; "" if there was none.
 * Valid until the thread's next failing call. */
FERRY_API const char *ferry_explain(void);

/* Is this a valid name?  0, or -EINVAL and ferry_explain() says what is wrong with it. */
FERRY_API int ferry_name_check(const char *name);

/* Programs that agree on a file and a number agree on a key, as with ftok(3): the same path (by
 * whatever spelling reaches the same file) and project give the same key until the file is
 * replaced. project: 1 to 255.  -EINVAL, or why the file cannot be looked at (-ENOENT, -EACCES …).
 */
FERRY_API int ferry_key_from_path(uint32_t *ret_key, const char *path, int project);

/* Writes the name that stands for a key, "key:0x0104abcd", into a buffer of size_bytes.
 * -ENOSPC if that is less than 15. */
FERRY_API int ferry_key_name(char *ret_name, size_t size_bytes, uint32_t key);

FERRY_END

#endif

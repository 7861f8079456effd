/* See sweep.h.
 *
 * Whoever unlinks a control file holds the lock on its removal byte, and has looked, with the lock
 * held, that the name still leads to that very file.  Without this a late cleaner would unlink the
 * new object that somebody has made under the old one's name.
 *
 * A temporary object is abandoned when all its members' bytes can be locked at once; while they
 * are, nobody can join (slots_claim() says -ESTALE).  The kernel drops these locks if the cleaner
 * dies, and the next one finds things as they were: the unlink is the one step that counts.  The
 * parts go after it, and what is left of them belongs to no object, which is how it is recognised
 * here.
 *
 * Nothing in here reads what members write: inode numbers, modes and locks are the kernel's word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ofd.h"
#include "shared/bell.h"
#include "shared/flow.h"
#include "shared/fork.h"
#include "shared/region.h"
#include "shared/root.h"
#include "shared/sweep.h"

static const int64_t REMOVAL_PATIENCE_NS = 1000000000;
static const int64_t SWEEP_EVERY_NS = 1000000000;

/* With the removal byte held: unlinks the name if it still leads to this file.  1, 0 or -errno. */
static int unlink_control(int root, int control_fd, const char *name)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    int r = file_has_name(control_fd, root, file);
    if (r == 1 && unlinkat(root, file, 0) < 0)
        r = -errno;
    return r;
}

static int open_control(int root, const char *name)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    int fd = openat(root, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- By name --------------------------------------------------------------------------------- */

static int explain(int error, const char *name)
{
    if (error == -ENOENT)
        return fail(error, "there is no \"%s\" in %s", name, root_path());
    if (error == -EPERM || error == -EACCES)
        return fail(error, "\"%s\" can be removed by its owner and by root only", name);
    if (error == -EBUSY)
        return fail(error,
                    "another process stands in the middle of removing \"%s\" and is stopped, or "
                    "only pretends to; end it, or remove %s/ferry.%s by hand",
                    name, root_path(), name);
    return fail_errno(error, "\"%s\" could not be removed", name);
}

/* Waits for another remover, who needs microseconds; 0 or -errno. */
static int lock_removal(int control_fd)
{
    deadline end = clock_deadline(REMOVAL_PATIENCE_NS);
    int r;
    while ((r = ofd_lock(control_fd, LAYOUT_REMOVAL_BYTE, 1)) == -EAGAIN) {
        if (clock_left_ns(end) == 0)
            return -EBUSY;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return r;
}

/* What is no object, whatever it is, is unlinked as it is; a directory cannot be. */
static int remove_oddity(int root, const char *name)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    return unlinkat(root, file, 0) < 0 ? -errno : 0;
}

/* Who sleeps for something of a queue, or polls, is to look whether it is still there.  Returns its bell, to be rung once more
 * when it is gone, for those who looked just before; or -1. */
static int announce_queue(int root, const char *name, int control_fd, const struct stat *status)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_BELL, status->st_ino);
    flow_announce_removal(control_fd);
    int bell = bell_open(root, file, status->st_uid);
    if (bell < 0)
        return -1;
    bell_ring(bell);
    return bell;
}

static int announce_removal(int root, const char *name, int control_fd, const struct stat *status)
{
    struct explanation before;
    struct layout_identity identity;
    explanation_keep(&before);
    int bell = -1;
    if (region_read_identity(control_fd, status, &identity) == 0 &&
        identity.kind == FERRY_KIND_QUEUE)
        bell = announce_queue(root, name, control_fd, status);
    explanation_restore(&before);
    return bell;
}

static int remove_object(int root, const char *name)
{
    CLEANUP(file_close) int fd = open_control(root, name);
    if (fd == -ENOENT || fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
        return fd;
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return remove_oddity(root, name);
    int r = lock_removal(fd);
    if (r < 0)
        return r;
    CLEANUP(file_close) int bell = announce_removal(root, name, fd, &status);
    r = unlink_control(root, fd, name);
    if (r == 1 && bell >= 0)
        bell_ring(bell);
    if (r == 1)
        region_unlink_parts(root, name, status.st_ino);
    ofd_unlock(fd, LAYOUT_REMOVAL_BYTE, 1);
    return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int sweep_remove(const char *name)
{
    int r = ferry_name_check(name);
    if (r < 0)
        return r;
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    fork_hold();
    r = remove_object(root, name);
    fork_unhold();
    return r < 0 ? explain(r, name) : 0;
}

/* ---- Temporary objects ----------------------------------------------------------------------- */

int sweep_if_abandoned(int control_fd, const char *name, uint64_t id)
{
    int r = ofd_lock(control_fd, 0, LAYOUT_REMOVAL_BYTE + 1);
    if (r == -EAGAIN)
        return 0;
    if (r < 0)
        return r;
    CLEANUP(file_close) int root = root_open();
    r = root < 0 ? root : unlink_control(root, control_fd, name);
    if (r == 1)
        region_unlink_parts(root, name, id);
    ofd_unlock(control_fd, 0, LAYOUT_REMOVAL_BYTE + 1);
    return r < 0 ? r : 1;
}

/* ---- The whole root -------------------------------------------------------------------------- */

struct sweep {
    int root;
    int removed;
};

/* 1 if the name led to a temporary object without members, and does no more; 0 or -errno as
 * sweep_if_abandoned(). */
static int sweep_control(int root, const char *name)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    struct stat status;
    if (fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode) ||
        (status.st_mode & S_ISVTX) == 0)
        return 0;
    CLEANUP(file_close) int fd = open_control(root, name);
    /* The inode anew: the name may lead elsewhere by now. */
    if (fd < 0 || fstat(fd, &status) < 0 || (status.st_mode & S_ISVTX) == 0)
        return 0;
    return sweep_if_abandoned(fd, name, status.st_ino);
}

int sweep_name(const char *name)
{
    CLEANUP(file_close) int root = root_open();
    return root < 0 ? root : sweep_control(root, name);
}

/* Does the name lead to another control file than the one these parts were made for, or to none? */
static bool is_orphan(int root, const char *name, uint64_t id)
{
    char file[ROOT_FILE_SIZE];
    struct stat status;
    root_file(file, name, ROOT_CONTROL, 0);
    if (fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    return status.st_ino != id;
}

/* Is their maker still at it?  It holds the birth lock on the data from before the first part has a
 * name until the control file has; so once the lock is seen free, the maker is done or dead. */
static bool is_being_made(int root, const char *name, uint64_t id)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_DATA, id);
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno != ENOENT;
    return ofd_is_locked(fd, 0, 1) != 0;
}

/* Opens a part and locks its first byte: data whose maker is at it have it locked, and of two who
 * would unlink a leftover only one can, who then makes sure that the name still leads to it. */
static int lock_part(int root, const char *file)
{
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = ofd_lock(fd, 0, 1);
    return r < 0 ? r : TAKE_FD(fd);
}

int sweep_leftover(int root, const char *file)
{
    deadline end = clock_deadline(REMOVAL_PATIENCE_NS);
    for (;;) {
        CLEANUP(file_close) int fd = lock_part(root, file);
        if (fd == -ENOENT)
            return 1;
        if (fd >= 0 && file_has_name(fd, root, file) == 1)
            return unlinkat(root, file, 0) < 0 ? -errno : 1;
        if ((fd < 0 && fd != -EAGAIN) || clock_left_ns(end) == 0)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

static void sweep_part(struct sweep *sweep, const char *file, const char *name, enum root_part part,
                       uint64_t id)
{
    if (!is_orphan(sweep->root, name, id))
        return;
    CLEANUP(file_close) int fd = lock_part(sweep->root, file);
    if (fd < 0 || (part != ROOT_DATA && is_being_made(sweep->root, name, id)))
        return;
    /* Once more, with the lock: its maker may have finished between the two looks, or another one
     * may have put a part of its own in this one's place. */
    if (is_orphan(sweep->root, name, id) && file_has_name(fd, sweep->root, file) == 1 &&
        unlinkat(sweep->root, file, 0) == 0)
        sweep->removed++;
}

static int sweep_file(const char *file, void *context)
{
    struct sweep *sweep = context;
    char name[FERRY_NAME_SIZE];
    enum root_part part;
    uint64_t id;
    if (!root_parse(file, name, &part, &id))
        return 0;
    if (part == ROOT_CONTROL)
        sweep->removed += sweep_control(sweep->root, name) == 1;
    else
        sweep_part(sweep, file, name, part, id);
    return 0;
}

int sweep_root(void)
{
    struct sweep sweep = {.removed = 0};
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    sweep.root = root;
    fork_hold();
    int r = file_list(root, sweep_file, &sweep);
    fork_unhold();
    if (r < 0)
        return fail_errno(r, "the root %s cannot be listed", root_path());
    return sweep.removed;
}

void sweep_sometimes(void)
{
    static _Atomic int64_t last = INT64_MIN;
    int64_t now = clock_now_ns();
    /* Relaxed: at worst two threads sweep at once, which is harmless. */
    int64_t before = atomic_load_explicit(&last, memory_order_relaxed);
    if (before != INT64_MIN && now - before < SWEEP_EVERY_NS)
        return;
    atomic_store_explicit(&last, now, memory_order_relaxed);
    struct explanation explanation;
    explanation_keep(&explanation);
    sweep_root();
    explanation_restore(&explanation);
}

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
 * here. */
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
#include "shared/region.h"
#include "shared/root.h"
#include "shared/sweep.h"

static const int64_t REMOVAL_PATIENCE_NS = 1000000000;
static const int64_t SWEEP_EVERY_NS = 1000000000;

static void unlink_parts(int root, const char *name, uint64_t id)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_DATA, id);
    unlinkat(root, file, 0);
    root_file(file, name, ROOT_BELL, id);
    unlinkat(root, file, 0);
}

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

/* ---- By name --------------------------------------------------------------------------------- */

static int explain(int error, const char *name)
{
    if (error == -ENOENT)
        return fail(error, "there is no \"%s\" in %s", name, root_path());
    if (error == -EPERM || error == -EACCES)
        return fail(error, "\"%s\" can be removed by its owner and by root only", name);
    if (error == -EBUSY)
        return fail(
            error, "another process stands in the middle of removing \"%s\"; is it stopped?", name);
    return fail_errno(error, "\"%s\" could not be removed", name);
}

/* Waits for another remover, who needs microseconds; 0 or -EBUSY. */
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

/* What cannot be opened as an object is unlinked as it is: a link, a directory is not. */
static int remove_unopened(int root, const char *file)
{
    return unlinkat(root, file, 0) < 0 ? -errno : 0;
}

static int remove_object(int root, const char *name)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : remove_unopened(root, file);
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return remove_unopened(root, file);
    struct layout_identity identity;
    bool is_sound = region_read_identity(fd, &identity) == 0;
    int r = lock_removal(fd);
    if (r == 0)
        r = unlink_control(root, fd, name);
    if (r == 1 && is_sound)
        unlink_parts(root, name, identity.id);
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
    r = remove_object(root, name);
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
        unlink_parts(root, name, id);
    ofd_unlock(control_fd, 0, LAYOUT_REMOVAL_BYTE + 1);
    return r < 0 ? r : 1;
}

/* ---- The whole root -------------------------------------------------------------------------- */

struct sweep {
    int root;
    int removed;
};

/* Opens the control file of that name if it is sound; -1 if not.  1 in *ret_gone: there is none. */
static int open_control(int root, const char *name, struct layout_identity *ret_identity,
                        bool *ret_gone)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *ret_gone = fd < 0 && errno == ENOENT;
    if (fd < 0 || region_read_identity(fd, ret_identity) < 0)
        return -1;
    return TAKE_FD(fd);
}

static void sweep_control(struct sweep *sweep, const char *name)
{
    struct layout_identity identity;
    bool gone;
    CLEANUP(file_close) int fd = open_control(sweep->root, name, &identity, &gone);
    if (fd >= 0 && (identity.flags & LAYOUT_TEMPORARY) != 0 &&
        sweep_if_abandoned(fd, name, identity.id) == 1)
        sweep->removed++;
}

/* Does the part belong to no object?  If its object cannot be judged, it is left alone. */
static bool is_orphan(int root, const char *name, uint64_t id)
{
    struct layout_identity identity;
    bool gone;
    CLEANUP(file_close) int fd = open_control(root, name, &identity, &gone);
    return fd >= 0 ? identity.id != id : gone;
}

/* Is somebody still using the part?  Data: their maker holds the birth lock.  A FIFO: can be opened
 * for writing only while somebody has it open. */
static bool is_in_use(int fd, enum root_part part)
{
    return part == ROOT_DATA ? ofd_lock(fd, 0, 1) < 0 : fd >= 0;
}

static void sweep_part(struct sweep *sweep, const char *file, const char *name, enum root_part part,
                       uint64_t id)
{
    if (part != ROOT_BUD && !is_orphan(sweep->root, name, id))
        return;
    int access = part == ROOT_DATA ? O_RDWR : O_WRONLY;
    CLEANUP(file_close)
    int fd = openat(sweep->root, file, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno != ENXIO)
        return;
    if (is_in_use(fd, part))
        return;
    /* Its maker may have finished between the two looks. */
    if (part != ROOT_BUD && !is_orphan(sweep->root, name, id))
        return;
    if (unlinkat(sweep->root, file, 0) == 0)
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
        sweep_control(sweep, name);
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
    int r = file_list(root, sweep_file, &sweep);
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
    sweep_root();
}

/* See bell.h.
 *
 * Making the FIFO: under a name of its own first, so that it has the right mode from the moment
 * others can find it (mkfifo heeds the umask), then renamed into place without replacing one that
 * somebody else made meanwhile.  If its maker dies in between, a bud stays, for sweep.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/epoll.h"
#include "os/file.h"
#include "shared/bell.h"
#include "shared/root.h"

/* A FIFO gives room back a page at a time. */
enum { FIFO_PAGE = 4096, ATTEMPTS = 16 };

void bell_init(struct bell *bell, const char *name, uint64_t id, struct bell_rights rights, int fd)
{
    *bell = (struct bell){.id = id, .rights = rights, .fd = fd};
    snprintf(bell->name, sizeof(bell->name), "%s", name);
    pthread_mutex_init(&bell->guard, NULL);
}

void bell_deinit(struct bell *bell)
{
    file_close(&bell->fd);
    pthread_mutex_destroy(&bell->guard);
}

/* All who may be members must be able to open the FIFO, whichever of them makes it.  Root gives it
 * to the object's owner, others give it to its group; where that cannot be, all may ring, which
 * costs the members a look at most. */
static int give_to_members(const struct bell_rights *rights, int root, const char *bud)
{
    bool is_given = fchownat(root, bud, rights->owner, rights->group, AT_SYMLINK_NOFOLLOW) == 0 ||
                    fchownat(root, bud, (uid_t)-1, rights->group, AT_SYMLINK_NOFOLLOW) == 0;
    bool for_all = !is_given || (rights->mode & S_IWOTH) != 0;
    return fchmodat(root, bud, for_all ? 0666 : rights->mode, 0) < 0 ? -errno : 0;
}

static int make(const struct bell *bell, int root, const char *file)
{
    uint64_t number;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return -EIO;
    char bud[ROOT_FILE_SIZE];
    root_file(bud, bell->name, ROOT_BUD, number);
    if (mkfifoat(root, bud, 0600) < 0)
        return -errno;
    int r = give_to_members(&bell->rights, root, bud);
    if (r == 0 && renameat2(root, bud, root, file, RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(root, bud, 0);
    /* Somebody else was first; or a sweeper took the bud for a leftover. */
    return r == -EEXIST || r == -ENOENT ? 0 : r;
}

/* Was it made by somebody who may be a member?  Another user could plant one, let some members open
 * it, and then shut the others out: those would sleep beside a silent bell. */
static bool is_members_own(const struct bell_rights *rights, const struct stat *status)
{
    uid_t maker = status->st_uid;
    return maker == 0 || maker == rights->owner || maker == geteuid() ||
           (rights->mode & S_IWOTH) != 0 ||
           ((rights->mode & S_IWGRP) != 0 && status->st_gid == rights->group);
}

/* For reading and writing: such an open of a FIFO never blocks, and writes never break. */
static int open_fifo(const struct bell *bell, int root, const char *file)
{
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode) ||
        !is_members_own(&bell->rights, &status))
        return -EBADMSG;
    return TAKE_FD(fd);
}

static int open_or_make(const struct bell *bell)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, bell->name, ROOT_BELL, bell->id);
    int fd = -ENOENT;
    /* More than once, because a sweeper may take a new one away before it is opened. */
    for (int i = 0; i < ATTEMPTS && fd == -ENOENT; i++) {
        fd = open_fifo(bell, root, file);
        if (fd != -ENOENT)
            break;
        int r = make(bell, root, file);
        if (r < 0)
            return fail_errno(r, "no bell could be made for \"%s\"", bell->name);
    }
    return fd < 0 ? fail_errno(fd, "the bell of \"%s\" cannot be opened", bell->name) : fd;
}

int bell_ready(struct bell *bell)
{
    pthread_mutex_lock(&bell->guard);
    if (bell->fd < 0)
        bell->fd = open_or_make(bell);
    int r = bell->fd < 0 ? bell->fd : 0;
    if (r < 0)
        bell->fd = -1;
    pthread_mutex_unlock(&bell->guard);
    return r;
}

void bell_ring(struct bell *bell)
{
    /* Eight bytes of 1: an eventfd wants just that, a FIFO takes anything. */
    const uint64_t one = 1;
    char page[FIFO_PAGE];
    for (int i = 0; i < ATTEMPTS && write(bell->fd, &one, sizeof(one)) < 0; i++) {
        /* A full FIFO gives up its oldest page.  It is not emptied by that unless as many ringers
         * as it has pages do this at once, and each of them writes again.  If it is full each time,
         * somebody else keeps ringing. */
        if (errno == EAGAIN && read(bell->fd, page, sizeof(page)) < 0 && errno != EAGAIN)
            return;
        if (errno != EAGAIN && errno != EINTR)
            return;
    }
}

int bell_latch(struct bell *bell)
{
    int r = bell_ready(bell);
    if (r < 0)
        return r;
    CLEANUP(file_close) int latch = epoll_latch(bell->fd);
    if (latch < 0)
        return fail_errno(latch, "no descriptor to wait on could be made");
    /* A bell that was rung before is readable, which sets a new latch. */
    epoll_latch_clear(latch);
    return TAKE_FD(latch);
}

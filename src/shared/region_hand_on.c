/* The descriptors of a region on their way to another process.  See region.h.
 *
 * Everything that is lent is opened anew, so that the two processes share no description: either could
 * make the other's calls block, by its flags.  What the kernel does not let us open again is shared after
 * all, and then used with care.
 *
 * What comes from another process may be anything.  Of each descriptor the kernel says what it is, and it
 * is compared with the control file, whose memory nobody can take away again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/file.h"
#include "os/memfd.h"
#include "os/tokens.h"
#include "shared/bell.h"
#include "shared/region.h"
#include "shared/root.h"

/* ---- Lending ---------------------------------------------------------------------------------- */

/* The name that a region's FIFO has in the root; returns the root, or -1 if there is no name. */
static int fifo_name(const struct region *region, char ret_file[ROOT_FILE_SIZE])
{
    struct explanation before;
    if (region->name[0] == '\0')
        return -1;
    root_file(ret_file, region->name, ROOT_BELL, region->id);
    explanation_keep(&before);
    int root = root_open();
    explanation_restore(&before); /* what has no name is found another way */
    return root;
}

static int lend_bell(const struct region *region)
{
    char file[ROOT_FILE_SIZE];
    CLEANUP(file_close) int root = fifo_name(region, file);
    if (root < 0)
        return bell_reopen(region->bell_fd);
    int fd = file_reopen(region->bell_fd, root, file, O_RDWR | O_NONBLOCK);
    return fd < 0 ? fail_errno(fd, "the bell of \"%s\" cannot be opened again", region->name) : fd;
}

static int reopen_end(const struct region *region, int end)
{
    char file[ROOT_FILE_SIZE];
    CLEANUP(file_close) int root = fifo_name(region, file);
    return tokens_reopen(end, root, root < 0 ? NULL : file);
}

static int lend_end(const struct region *region, int end)
{
    int own = reopen_end(region, end);
    if (own >= 0)
        return own;
    tokens_accept_shared();
    int same = fcntl(end, F_DUPFD_CLOEXEC, 0);
    return same < 0 ? fail_errno(-errno, "the pipe's end could not be lent") : same;
}

/* The ends for a role, from ret_ends on. */
static int lend_ends(const struct region *region, unsigned role, int *ret_ends)
{
    const int ends[] = {(role & FERRY_READ) != 0 ? region->read_end : -1,
                        (role & FERRY_WRITE) != 0 ? region->write_end : -1};
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) {
            *ret_ends = lend_end(region, ends[i]);
            if (*ret_ends++ < 0)
                return ret_ends[-1];
        }
    return 0;
}

static int lend(const struct region *region, unsigned role, int ret_parts[REGION_PARTS])
{
    ret_parts[REGION_CONTROL] = region_reopen_control(region, region->lock_fd);
    if (ret_parts[REGION_CONTROL] < 0)
        return ret_parts[REGION_CONTROL];
    ret_parts[REGION_DATA] = region_reopen_data(region, role);
    if (ret_parts[REGION_DATA] < 0)
        return ret_parts[REGION_DATA];
    if (region_has_ends(region))
        return lend_ends(region, role, ret_parts + REGION_END);
    ret_parts[REGION_BELL] = lend_bell(region);
    return ret_parts[REGION_BELL] < 0 ? ret_parts[REGION_BELL] : 0;
}

int region_lend(const struct region *region, unsigned role, int ret_parts[REGION_PARTS])
{
    for (int i = 0; i < REGION_PARTS; i++)
        ret_parts[i] = -1;
    int r = lend(region, role, ret_parts);
    for (int i = 0; i < REGION_PARTS && r < 0; i++)
        file_close(&ret_parts[i]);
    return r;
}

/* ---- Adopting --------------------------------------------------------------------------------- */

static bool is_same_file(int fd, int other, struct stat *ret_status)
{
    struct stat status;
    return fstat(fd, ret_status) == 0 && fstat(other, &status) == 0 &&
           ret_status->st_dev == status.st_dev && ret_status->st_ino == status.st_ino;
}

/* Both descriptions of the control file, and whether its memory can be taken away: a sealed memfd,
 * or a file in somebody's root, whose owner has to be trusted. */
static int check_control(struct region *region, int control)
{
    struct stat status;
    if (!is_same_file(region->lock_fd, control, &status))
        return fail(-EBADMSG, "the descriptors handed over do not belong together");
    int r = region_read_identity(region->lock_fd, &status, &region->identity);
    if (r < 0)
        return r;
    region->id = status.st_ino;
    region->temporary = (status.st_mode & S_ISVTX) != 0;
    bool anonymous = (region->identity.flags & LAYOUT_ANONYMOUS) != 0;
    if (anonymous != (region->name[0] == '\0'))
        return fail(-EBADMSG, "the parcel and what is in it do not agree");
    if (anonymous ? !memfd_is_sealed(control) : status.st_uid != 0 && status.st_uid != geteuid())
        return fail(-EPERM, "the memory handed over could be taken away again: it is not sealed, "
                            "and its owner is neither root nor you; ask for an anonymous object");
    return 0;
}

static int check_data(struct region *region, int data)
{
    struct stat status, control;
    int access = fcntl(data, F_GETFL);
    if (access < 0 || fstat(data, &status) < 0 || fstat(region->lock_fd, &control) < 0 ||
        status.st_dev != control.st_dev || status.st_uid != control.st_uid ||
        !S_ISREG(status.st_mode) || (uint64_t)status.st_size != region->identity.size_bytes)
        return fail(-EBADMSG, "the data handed over are not what the control memory says");
    if (region->name[0] == '\0' && !memfd_is_sealed(data))
        return fail(-EPERM, "the data handed over could be taken away again: they are not sealed");
    region->mode = status.st_mode & 0777;
    region->data_inode = status.st_ino;
    region->role = (access & O_ACCMODE) == O_RDONLY ? FERRY_READ : FERRY_READ | FERRY_WRITE;
    return 0;
}

/* The giver may still have this description, and could make it block: better one of our own, where
 * we are allowed to have it; else it is rung with care. */
static int adopt_bell(struct region *region)
{
    int r = bell_check(region->bell_fd);
    if (r < 0)
        return r;
    struct explanation before;
    explanation_keep(&before);
    int own = bell_reopen(region->bell_fd);
    explanation_restore(&before);
    if (own >= 0) {
        file_close(&region->bell_fd);
        region->bell_fd = own;
    } else {
        bell_accept_lent();
    }
    return 0;
}

/* A FIFO whose name can be seen has to be the object's.  Its name goes after the object's. */
static bool is_misnamed(const struct region *region, int end)
{
    char file[ROOT_FILE_SIZE], control[ROOT_FILE_SIZE];
    CLEANUP(file_close) int root = fifo_name(region, file);
    if (root < 0 || file_has_name(end, root, file) != 0)
        return false;
    root_file(control, region->name, ROOT_CONTROL, 0);
    return file_has_name(region->lock_fd, root, control) == 1;
}

/* The giver may still have the description that came: better one of our own, where we are allowed to. */
static int adopt_end(struct region *region, int *came)
{
    struct stat status, control;
    bool write_end = tokens_is_end(*came, true);
    int *end = write_end ? &region->write_end : &region->read_end;
    if (!tokens_is_end(*came, write_end) || *end >= 0 || fstat(*came, &status) < 0 ||
        fstat(region->lock_fd, &control) < 0 || status.st_uid != control.st_uid ||
        is_misnamed(region, *came))
        return fail(-EBADMSG, "the pipe's end that was handed over is not one");
    region->role |= write_end ? FERRY_WRITE : FERRY_READ;
    *end = reopen_end(region, *came);
    if (*end < 0) {
        *end = TAKE_FD(*came);
        tokens_accept_shared();
    }
    return 0;
}

/* The role is that of the ends, and the data must be open for it. */
static int adopt_ends(struct region *region, int came[2])
{
    struct stat status;
    unsigned most = region->role;
    region->role = 0;
    bool both = came[1] >= 0;
    int r = adopt_end(region, &came[0]);
    if (r == 0 && both)
        r = adopt_end(region, &came[1]);
    if (r < 0)
        return r;
    if ((region->role & ~most) != 0 ||
        (both && !is_same_file(region->read_end, region->write_end, &status)))
        return fail(-EBADMSG, "the descriptors handed over do not belong together");
    return 0;
}

static int adopt_fifo(struct region *region, int parts[REGION_PARTS])
{
    if (region_has_ends(region))
        return adopt_ends(region, parts + REGION_END);
    region->bell_fd = TAKE_FD(parts[REGION_BELL]);
    if (parts[REGION_OTHER_END] >= 0)
        return fail(-EBADMSG, "the parcel has more in it than belongs to it");
    return adopt_bell(region);
}

static int adopt(struct region *region, int parts[REGION_PARTS])
{
    region->lock_fd = TAKE_FD(parts[REGION_LOCK]);
    int r = check_control(region, parts[REGION_CONTROL]);
    if (r == 0)
        r = check_data(region, parts[REGION_DATA]);
    if (r == 0)
        r = adopt_fifo(region, parts);
    if (r == 0)
        r = region_map(region, parts[REGION_CONTROL], parts[REGION_DATA], NULL);
    /* Who grows a queue may not be allowed to open its data again. */
    if (r == 0 && (region->name[0] == '\0' || region->identity.kind == FERRY_KIND_QUEUE))
        region->data_fd = TAKE_FD(parts[REGION_DATA]);
    return r;
}

int region_adopt(struct region *ret_region, const char *name, int parts[REGION_PARTS])
{
    CLEANUP(region_release) struct region region;
    region_init(&region, name);
    int r = adopt(&region, parts);
    for (int i = 0; i < REGION_PARTS; i++)
        file_close(&parts[i]);
    if (r < 0)
        return r;
    *ret_region = region;
    region_init(&region, NULL);
    return 0;
}

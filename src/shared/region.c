/* Finding regions and mapping them.  See region.h; making is in region_make.c, handing on in
 * region_hand_on.c.
 *
 * Nothing that is found is believed: owner, kind, size and seals are checked against what the
 * kernel says of the files, once, before anything is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

/* An opener that meets a removal or a re-creation half-way tries again so often. */
enum { FIND_ATTEMPTS = 64 };

unsigned region_role(unsigned flags)
{
    unsigned role = flags & (FERRY_READ | FERRY_WRITE);
    return role != 0 ? role : FERRY_READ | FERRY_WRITE;
}

static bool may_write(unsigned role)
{
    return (role & FERRY_WRITE) != 0;
}

/* The bits that say "may read", for all that have any of these. */
static unsigned readers(unsigned mode, unsigned bits)
{
    return (mode & bits & 0444) | (mode & bits & 0222) << 1;
}

unsigned region_control_mode(enum ferry_kind kind, unsigned mode)
{
    unsigned members = readers(mode, kind == FERRY_KIND_PIPE ? 0666 : 0444);
    return members | members >> 1;
}

unsigned region_data_mode(enum ferry_kind kind, unsigned mode)
{
    return kind == FERRY_KIND_PIPE ? mode | readers(mode, 0666) : mode;
}

void region_init(struct region *region, const char *name)
{
    *region = (struct region){
        .lock_fd = -1, .bell_fd = -1, .read_end = -1, .write_end = -1, .data_fd = -1};
    snprintf(region->name, sizeof(region->name), "%s", name ? name : "");
}

void region_release(struct region *region)
{
    map_release(&region->control_map);
    map_release(&region->data);
    file_close(&region->lock_fd);
    file_close(&region->data_fd);
    file_close(&region->bell_fd);
    file_close(&region->read_end);
    file_close(&region->write_end);
}

int region_map(struct region *region, int control_fd, int data_fd, void *address)
{
    uint64_t size = region->identity.size_bytes;
    if (size > SIZE_MAX)
        return fail(-ENOMEM, "%llu bytes do not fit this process's address space",
                    (unsigned long long)size);
    int r = map_file(&region->control_map, control_fd,
                     (size_t)region_control_bytes(&region->identity), true, NULL);
    if (r < 0)
        return r;
    if (size > 0)
        r = map_file(&region->data, data_fd, (size_t)size, may_write(region->role), address);
    return r == -EEXIST ? -EADDRINUSE : r;
}

int region_read_identity(int fd, const struct stat *status, struct layout_identity *ret_identity)
{
    if (!S_ISREG(status->st_mode))
        return fail(-EBADMSG, "it is not a regular file, so it is not Ferry's; remove it");
    /* By pread: a file that is cut short gives fewer bytes then, and not a SIGBUS. */
    int r = file_read_at(fd, ret_identity, sizeof(*ret_identity), 0);
    if (r == -ENODATA)
        return fail(-EBADMSG, "the file is cut short (%lld bytes); remove it",
                    (long long)status->st_size);
    if (r < 0)
        return fail_errno(r, "the file cannot be read");
    r = layout_check(ret_identity);
    if (r < 0)
        return r;
    uint64_t wanted = region_control_bytes(ret_identity);
    if (ret_identity->index_bytes > LAYOUT_INDEX_MOST || (uint64_t)status->st_size != wanted)
        return fail(-EBADMSG,
                    "the control file has %lld bytes and not %llu: it is damaged; remove "
                    "it",
                    (long long)status->st_size, (unsigned long long)wanted);
    return 0;
}

static bool is_trusted(uid_t owner, const struct region_request *request)
{
    if (owner == 0 || owner == geteuid())
        return true;
    for (size_t i = 0; i < request->trusted_owner_count; i++)
        if (request->trusted_owners[i] == owner)
            return true;
    return false;
}

static int check_owner(int fd, const struct region_request *request, struct stat *ret_status)
{
    if (fstat(fd, ret_status) < 0)
        return fail_errno(-errno, "\"%s\" cannot be looked at", request->name);
    if (!is_trusted(ret_status->st_uid, request))
        return fail(-EPERM,
                    "\"%s\" belongs to user %u, who is neither root nor you; name that "
                    "user among the trusted owners if you mean it",
                    request->name, (unsigned)ret_status->st_uid);
    return 0;
}

static int explain_open(int error, const char *name)
{
    if (error == -ENOENT)
        return fail(error, "there is no \"%s\" in %s; make it first (ferry new, or FERRY_CREATE)",
                    name, root_path());
    if (error == -ELOOP)
        return fail(-EBADMSG,
                    "\"%s\" is a symbolic link, which Ferry never makes or follows; "
                    "remove it",
                    name);
    if (error == -EACCES || error == -EPERM)
        return fail(-EACCES,
                    "the permissions of \"%s\" do not let you in; ask its owner (ferry "
                    "show)",
                    name);
    if (error == -EISDIR || error == -ENXIO || error == -ENODEV)
        return fail(-EBADMSG, "\"%s\" is not a regular file, so it is not Ferry's; remove it",
                    name);
    return fail_errno(error, "\"%s\" cannot be opened", name);
}

/* "Permission denied" may be meant of the root, or of devices, which some file systems open to
 * nobody. */
static int explain_denied(int root, const char *file, const char *name)
{
    struct stat status;
    if (fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(-EACCES,
                    "the permissions of the root %s do not let you in; ask its owner, or set "
                    "FERRY_ROOT to a directory of your own",
                    root_path());
    return explain_open(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? -ENODEV : -EACCES,
                        name);
}

/* Opens the control file and checks whose and what it is.  Fills in the identity. */
static int find_control(struct region *region, int root, const struct region_request *request,
                        struct stat *ret_status)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, request->name, ROOT_CONTROL, 0);
    CLEANUP(file_close)
    int fd = openat(root, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return explain_denied(root, file, request->name);
    if (fd < 0)
        return explain_open(-errno, request->name);
    int r = check_owner(fd, request, ret_status);
    if (r < 0)
        return r;
    region->id = ret_status->st_ino;
    region->temporary = (ret_status->st_mode & S_ISVTX) != 0;
    r = region_read_identity(fd, ret_status, &region->identity);
    if (r < 0)
        return fail_within(r, "\"%s\"", request->name);
    if (region->identity.kind != (uint32_t)request->kind)
        return fail(-EMEDIUMTYPE, "\"%s\" is a %s, not a %s", request->name,
                    ferry_kind_name((int)region->identity.kind),
                    ferry_kind_name((int)request->kind));
    region->lock_fd = TAKE_FD(fd);
    return 0;
}

/* Opens the data that belong to the control file.  -ESTALE: the object is going away under us. */
static int find_data(struct region *region, int root, const struct stat *control)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_DATA, region->id);
    int access = may_write(region->role) ? O_RDWR : O_RDONLY;
    CLEANUP(file_close)
    int fd = openat(root, file, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return -ESTALE;
    if (fd < 0 && errno == EACCES && may_write(region->role))
        return fail(-EACCES,
                    "the permissions of \"%s\" do not let you write; open it with "
                    "FERRY_READ, or ask its owner",
                    region->name);
    if (fd < 0)
        return explain_open(-errno, region->name);
    struct stat status;
    if (fstat(fd, &status) < 0)
        return fail_errno(-errno, "the data of \"%s\" cannot be looked at", region->name);
    if (!S_ISREG(status.st_mode) || status.st_uid != control->st_uid ||
        (uint64_t)status.st_size != region->identity.size_bytes)
        return fail(-EBADMSG,
                    "the data of \"%s\" are not what its control memory says (%lld bytes, "
                    "not %llu); remove it",
                    region->name, (long long)status.st_size,
                    (unsigned long long)region->identity.size_bytes);
    region->mode = status.st_mode & 0777;
    region->data_inode = status.st_ino;
    return TAKE_FD(fd);
}

/* -ESTALE as find_data(). */
static int find_bell(struct region *region, int root, const struct stat *control)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_BELL, region->id);
    region->bell_fd = bell_open(root, file, control->st_uid);
    return region->bell_fd >= 0 ? 0 : region->bell_fd == -ENOENT ? -ESTALE : region->bell_fd;
}

static int reopen_by_name(const struct region *region, int root, int lock_fd)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_CONTROL, 0);
    int fd = file_reopen(lock_fd, root, file, O_RDWR);
    return fd < 0 ? fail_errno(fd, "\"%s\" cannot be opened again", region->name) : fd;
}

static int find_once(struct region *region, int root, const struct region_request *request)
{
    struct stat status;
    int r = find_control(region, root, request, &status);
    if (r < 0)
        return r;
    CLEANUP(file_close) int data = find_data(region, root, &status);
    if (data < 0)
        return data;
    if (!region_has_ends(region))
        r = find_bell(region, root, &status);
    if (r < 0)
        return r;
    CLEANUP(file_close) int control = reopen_by_name(region, root, region->lock_fd);
    if (control < 0)
        return control == -ENOENT ? -ESTALE : control;
    return region_map(region, control, data, request->address);
}

int region_find(struct region *ret_region, const struct region_request *request)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    for (int i = 0; i < FIND_ATTEMPTS; i++) {
        CLEANUP(region_release) struct region region;
        region_init(&region, request->name);
        region.role = region_role(request->flags);
        int r = find_once(&region, root, request);
        if (r == 0) {
            *ret_region = region;
            region_init(&region, NULL);
            return 0;
        }
        if (r != -ESTALE)
            return r;
    }
    return fail(-EBADMSG, "\"%s\" has lost its data; remove it and make it anew", request->name);
}

static int explain_end(const struct region *region, int error)
{
    if (error == -ENXIO)
        return fail(error, "nobody reads \"%s\"; start a reader first, or wait for one",
                    region->name);
    if (error == -ENOENT)
        return -ESTALE; /* the object is going away under us */
    return explain_open(error, region->name);
}

int region_open_end(struct region *region, bool write_end)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_BELL, region->id);
    int end = write_end ? tokens_open_write_end(root, file) : tokens_open_read_end(root, file);
    struct stat status, control;
    if (end < 0)
        return explain_end(region, end);
    *(write_end ? &region->write_end : &region->read_end) = end;
    if (fstat(end, &status) < 0 || fstat(region->lock_fd, &control) < 0 ||
        status.st_uid != control.st_uid)
        return fail(-EBADMSG, "the pipe's FIFO is not what its owner made; remove the object");
    region->mode = status.st_mode & 0777;
    return 0;
}

int region_check_reader(const struct region *region)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_BELL, region->id);
    return faccessat(root, file, R_OK, AT_EACCESS) < 0 ? explain_end(region, -errno) : 0;
}

int region_open_other_end(const struct region *region)
{
    return tokens_open_other_end(region->read_end >= 0 ? region->read_end : region->write_end);
}

int region_reopen_control(const struct region *region, int lock_fd)
{
    if (region->name[0] == '\0') {
        int fd = file_reopen(lock_fd, -1, NULL, O_RDWR);
        return fd < 0 ? file_explain_reopen(fd, "control memory") : fd;
    }
    CLEANUP(file_close) int root = root_open();
    return root < 0 ? root : reopen_by_name(region, root, lock_fd);
}

int region_reopen_data(const struct region *region, unsigned role)
{
    int access = may_write(role) ? O_RDWR : O_RDONLY;
    if (region->data_fd >= 0) {
        int fd = file_reopen(region->data_fd, -1, NULL, access);
        return fd < 0 ? file_explain_reopen(fd, "data") : fd;
    }
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_DATA, region->id);
    CLEANUP(file_close)
    int fd = openat(root, file, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(-errno, "the data of \"%s\" cannot be opened again", region->name);
    struct stat status;
    if (fstat(fd, &status) < 0 || status.st_ino != region->data_inode) /* a stranger's */
        return fail(-ENOENT, "the name of \"%s\" has been removed, and its data with it",
                    region->name);
    return TAKE_FD(fd);
}

int region_map_twice(const struct region *region, struct map *ret_map, size_t at, size_t size_bytes)
{
    int r = map_twice(ret_map, &region->data, at, size_bytes);
    if (r == 0)
        return 0;
    struct explanation why;
    explanation_keep(&why);
    CLEANUP(file_close) int fd = region_reopen_data(region, region->role);
    if (fd >= 0)
        return map_file_twice(ret_map, fd, at, size_bytes, may_write(region->role));
    explanation_restore(&why);
    return r;
}

void region_unlink_parts(int root, const char *name, uint64_t id)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_DATA, id);
    unlinkat(root, file, 0);
    root_file(file, name, ROOT_BELL, id);
    unlinkat(root, file, 0);
}

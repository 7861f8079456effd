/* Making regions.  See region.h, and docs/design/region.md for who may die where.
 *
 * A named one: data and control are unnamed files, complete with their first member, when the data
 * get their name and then the control file gets its own, which is the commit.  Before it, death
 * leaves at most a data file that belongs to nobody; its birth lock is gone with its maker, which
 * is how sweep.c knows it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/memfd.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "os/tokens.h"
#include "shared/bell.h"
#include "shared/region.h"
#include "shared/root.h"
#include "shared/sweep.h"

static struct layout_identity new_identity(const struct region_request *request)
{
    return (struct layout_identity){
        .kind = request->kind,
        .flags = (request->name == NULL ? LAYOUT_ANONYMOUS : 0) |
                 (request->keeps_records ? LAYOUT_RECORDS : 0),
        .size_bytes = request->size_bytes,
        .index_bytes = request->index_bytes,
        .created = layout_stamp(clock_unix_ms(), getpid()),
    };
}

/* Writes the beginning of the control file as it is with its creator in slot 0. */
static int write_beginning(struct region *region, const struct region_request *request)
{
    struct layout_identity *identity = &region->identity;
    identity->mode = region->mode;
    layout_seal(identity);
    const struct layout_ledger ledger = {
        .attaches = 1, .last_attach = identity->created, .high = 1};
    const struct layout_entry entry = {.joined = identity->created,
                                       .namespace = proc_pid_namespace(),
                                       .generation = 1,
                                       .role = region->role};
    int fd = region->lock_fd;
    int r = file_write_at(fd, identity, sizeof(*identity), 0);
    if (r == 0)
        r = file_write_at(fd, &ledger, sizeof(ledger), offsetof(struct layout, ledger));
    if (r == 0)
        r = file_write_at(fd, region->name, sizeof(region->name), offsetof(struct layout, label));
    if (r == 0)
        r = file_write_at(fd, &entry, sizeof(entry), offsetof(struct layout, members));
    const struct layout_shape shape = {.exponent = request->exponent};
    if (r == 0 && request->exponent != 0)
        r = file_write_at(fd, &shape, sizeof(shape), offsetof(struct layout, stream.shape));
    if (r == 0 && request->begin != NULL)
        r = request->begin(fd, request);
    return r < 0 ? fail_errno(r, "the control memory could not be written") : 0;
}

/* The creator's membership: the byte lock on slot 0, whose entry was written above. */
static int become_first(struct region *region, struct slots *ret_slots)
{
    int r = ofd_lock(region->lock_fd, 0, 1);
    if (r < 0)
        return fail_errno(r, "the root's file system gives no byte locks");
    *ret_slots = (struct slots){.tag = slot_tag_make(0, 1),
                                .pid = getpid(),
                                .namespace = proc_pid_namespace(),
                                .reserved = LAYOUT_ENTRIES_AT_FIRST,
                                .role = region->role};
    return 0;
}

/* A pipe's FIFO decides about its ends, and is not opened here; others have a bell that all have open. */
static int make_fifo(struct region *region, int root, const char *file)
{
    if (region->identity.kind == FERRY_KIND_PIPE)
        return file_make_fifo(root, file, region->mode);
    int bell = bell_make(root, file, region_control_mode(region->identity.kind, region->mode));
    if (bell < 0)
        return bell;
    region->bell_fd = bell;
    return 0;
}

/* Gives the data their name and makes the FIFO; the birth lock is held.  What is in the way belonged
 * to an earlier control file with our inode's number, which is gone, since we have it now. */
static int place_parts(struct region *region, int root, int data_fd)
{
    char data_file[ROOT_FILE_SIZE], bell_file[ROOT_FILE_SIZE];
    root_file(data_file, region->name, ROOT_DATA, region->id);
    root_file(bell_file, region->name, ROOT_BELL, region->id);
    int r = file_link(data_fd, root, data_file);
    if (r == -EEXIST && sweep_leftover(root, data_file) == 1)
        r = file_link(data_fd, root, data_file);
    if (r < 0)
        return fail_within(file_explain_link(r, "a new file"), "\"%s\" in %s", region->name,
                           root_path());
    r = make_fifo(region, root, bell_file);
    if (r == -EEXIST && sweep_leftover(root, bell_file) == 1)
        r = make_fifo(region, root, bell_file);
    return r;
}

/* The commit: from here on the object exists. */
static int place_control(const struct region *region, int root)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_CONTROL, 0);
    int r = file_link(region->lock_fd, root, file);
    if (r == -EEXIST)
        return fail(r,
                    "\"%s\" exists already; choose another name, remove it (ferry rm), or open "
                    "it without FERRY_EXCLUSIVE",
                    region->name);
    return r < 0 ? fail_within(file_explain_link(r, "a new file"), "\"%s\" in %s", region->name,
                               root_path())
                 : 0;
}

static int place(struct region *region, int root, int data_fd)
{
    /* The birth lock: whoever sweeps leaves the parts alone while their maker lives. */
    int r = ofd_lock(data_fd, 0, 1);
    if (r < 0)
        return fail_errno(r, "the root's file system gives no byte locks");
    r = place_parts(region, root, data_fd);
    if (r == 0)
        r = place_control(region, root);
    if (r < 0)
        region_unlink_parts(root, region->name, region->id);
    ofd_unlock(data_fd, 0, 1);
    return r;
}

/* The part of the data that has memory from the start: all of it, a beginning, or a pipe's first ring. */
struct piece {
    uint64_t at, count;
};

static struct piece first_piece(const struct region_request *request)
{
    uint64_t ring = UINT64_C(1) << request->exponent;
    if (request->exponent != 0)
        return (struct piece){ring, ring};
    return (struct piece){0, request->first_bytes ? request->first_bytes : request->size_bytes};
}

static int reserve_index(int control_fd, const struct region_request *request)
{
    uint64_t bytes = request->first_index_bytes ? request->first_index_bytes : request->index_bytes;
    return bytes > 0 ? file_reserve_range(control_fd, sizeof(struct layout), bytes) : 0;
}

/* Two unnamed files, reserved: the control file (region->lock_fd) and the data (the result). */
static int make_files(struct region *region, int root, const struct region_request *request)
{
    CLEANUP(file_close) int data = file_make_unnamed(root, (mode_t)request->mode);
    if (data < 0)
        return data;
    struct piece piece = first_piece(request);
    int r = file_reserve(data, request->size_bytes, piece.at, piece.count);
    if (r < 0)
        return r;
    struct stat status;
    if (fstat(data, &status) < 0)
        return fail_errno(-errno, "the new data file cannot be looked at");
    region->mode = status.st_mode & 0777;
    unsigned data_mode = region_data_mode(request->kind, region->mode);
    if (data_mode != region->mode && fchmod(data, data_mode) < 0)
        return fail_errno(-errno, "the permissions could not be set");
    region->data_inode = status.st_ino;
    region->lock_fd = file_make_unnamed(root, 0600);
    if (region->lock_fd < 0)
        return region->lock_fd;
    r = file_reserve(region->lock_fd, region_control_bytes(&region->identity), 0,
                     LAYOUT_RESERVED_AT_FIRST);
    if (r == 0)
        r = reserve_index(region->lock_fd, request);
    if (r < 0)
        return r;
    region->temporary = (request->flags & FERRY_TEMPORARY) != 0;
    if (fchmod(region->lock_fd, region_control_mode(request->kind, region->mode) |
                                    (region->temporary ? S_ISVTX : 0)) < 0 ||
        fstat(region->lock_fd, &status) < 0)
        return fail_errno(-errno, "the permissions could not be set");
    region->id = status.st_ino;
    return TAKE_FD(data);
}

static int explain_reopen(int error, const struct region *region)
{
    if (error == -EACCES)
        return fail(error,
                    "with mode 0%o (the umask counts) not even you could open \"%s\"; let the "
                    "mode have 0400",
                    region->mode, region->name);
    return file_explain_reopen(error, "control memory");
}

/* A description for the mapping, of an object that has its name by now. */
static int map_again(struct region *region, int root)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_CONTROL, 0);
    CLEANUP(file_close) int control = file_reopen(region->lock_fd, root, file, O_RDWR);
    if (control == -ENOENT)
        return -ESTALE; /* it was removed at once */
    if (control < 0)
        return explain_reopen(control, region);
    map_release(&region->control_map);
    return map_file(&region->control_map, control, (size_t)region_control_bytes(&region->identity),
                    true, NULL);
}

/* Where an unnamed file cannot be opened again, because /proc is not mounted, it is once it has its
 * name.  That descriptor and mappings can be had is made sure of before, through the description that
 * has the lock: nobody can fork meanwhile (segment.c holds that off), so the mapping is not inherited.  Dying
 * after the commit leaves a whole object, as ever. */
static int make_without_proc(struct region *region, int root, int data_fd, void *address)
{
    CLEANUP(file_close) int spare = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (spare < 0)
        return fail_errno(-errno, "the control memory needs a descriptor more");
    int r = region_map(region, region->lock_fd, data_fd, address);
    if (r == 0)
        r = place(region, root, data_fd);
    if (r < 0)
        return r;
    file_close(&spare);
    r = map_again(region, root);
    if (r < 0 && r != -ESTALE) {
        struct explanation explanation;
        explanation_keep(&explanation);
        sweep_remove(region->name);
        explanation_restore(&explanation);
    }
    return r;
}

static int make_named(struct region *region, struct slots *ret_slots,
                      const struct region_request *request)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    CLEANUP(file_close) int data = make_files(region, root, request);
    if (data < 0)
        return data;
    int r = write_beginning(region, request);
    if (r == 0)
        r = become_first(region, ret_slots);
    if (r < 0)
        return r;
    CLEANUP(file_close) int control = file_reopen(region->lock_fd, -1, NULL, O_RDWR);
    if (control == -ENOENT && !proc_is_mounted())
        return make_without_proc(region, root, data, request->address);
    if (control < 0)
        return explain_reopen(control, region);
    r = region_map(region, control, data, request->address);
    return r < 0 ? r : place(region, root, data);
}

static int make_nameless_fifo(struct region *region)
{
    if (region->identity.kind == FERRY_KIND_PIPE) {
        int r = tokens_make(&region->read_end, &region->write_end);
        return r < 0 ? fail_errno(r, "no pipe could be made") : 0;
    }
    region->bell_fd = bell_make_anonymous();
    return region->bell_fd < 0 ? region->bell_fd : 0;
}

static int make_anonymous(struct region *region, struct slots *ret_slots,
                          const struct region_request *request)
{
    /* No umask here: there is no name by which others could come. */
    region->mode = request->mode & 0777;
    region->lock_fd =
        memfd_make("ferry", region_control_bytes(&region->identity), 0, LAYOUT_RESERVED_AT_FIRST,
                   region_control_mode(request->kind, region->mode));
    if (region->lock_fd < 0)
        return region->lock_fd;
    int r = reserve_index(region->lock_fd, request);
    if (r < 0)
        return r;
    struct piece piece = first_piece(request);
    region->data_fd = memfd_make("ferry-data", request->size_bytes, piece.at, piece.count,
                                 region_data_mode(request->kind, region->mode));
    if (region->data_fd < 0)
        return region->data_fd;
    r = make_nameless_fifo(region);
    if (r == 0)
        r = write_beginning(region, request);
    if (r == 0)
        r = become_first(region, ret_slots);
    CLEANUP(file_close) int control = r < 0 ? r : region_reopen_control(region, region->lock_fd);
    return control < 0 ? control : region_map(region, control, region->data_fd, request->address);
}

int region_make(struct region *ret_region, struct slots *ret_slots,
                const struct region_request *request)
{
    CLEANUP(region_release) struct region region;
    region_init(&region, request->name);
    region.role = region_role(request->flags);
    region.identity = new_identity(request);
    int r = request->name ? make_named(&region, ret_slots, request)
                          : make_anonymous(&region, ret_slots, request);
    if (r < 0)
        return r;
    ret_slots->control = region_control(&region);
    ret_slots->lock_fd = region.lock_fd;
    *ret_region = region;
    region_init(&region, NULL);
    return 0;
}

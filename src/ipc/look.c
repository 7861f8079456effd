/* See look.h.
 *
 * Everything is read with pread into a copy: a file that is cut short gives fewer bytes and not a
 * SIGBUS, an unused page of the table gives zeros and is not allocated for it, and read permission
 * is enough.  Liveness is asked of the kernel, byte by byte. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/name.h"
#include "ipc/look.h"
#include "os/file.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "shared/journal.h"
#include "shared/region.h"
#include "shared/root.h"

/* How often to read again when somebody was in the middle of a change. */
enum { READ_ATTEMPTS = 100 };

void look_release(struct look *look)
{
    if (!look->is_lent)
        file_close(&look->fd);
    free(look->control);
    look->control = NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What moves when members come and go: ledger, inner lock and journal, which lie side by side. */
enum {
    BOOKS_AT = offsetof(struct layout, ledger),
    BOOKS_BYTES = offsetof(struct layout, sleepers) - offsetof(struct layout, ledger)
};

/* Finishes in the copy what its journal has committed; the copy keeps its journal. */
static void finish(struct layout *copy)
{
    struct layout_journal journal;
    memcpy(&journal, &copy->journal, sizeof(journal));
    const struct journal_book book = journal_book_of(copy);
    journal_finish(&book);
    memcpy(&copy->journal, &journal, sizeof(journal));
}

/* Reads everything, and the books as they are in the file.  Finished twice: `high`, which says how
 * many entries to read, may be in the journal, and so may the entries. */
static int read_copy(struct look *look, char ret_books[BOOKS_BYTES])
{
    const size_t table = offsetof(struct layout, members);
    struct layout *copy = look->control;
    int r = file_read_at(look->fd, copy, table, 0);
    if (r < 0)
        return r;
    memcpy(ret_books, (char *)copy + BOOKS_AT, BOOKS_BYTES);
    finish(copy);
    uint64_t high = RELAXED(copy->ledger.high);
    look->high = high < LAYOUT_MEMBERS ? (uint32_t)high : LAYOUT_MEMBERS;
    r = file_read_at(look->fd, copy->members, look->high * sizeof(struct layout_entry), table);
    finish(copy);
    return r;
}

/* A copy is whole if the books did not move while it was taken. */
static bool is_whole(const struct look *look, const char books[BOOKS_BYTES])
{
    char now[BOOKS_BYTES];
    return file_read_at(look->fd, now, BOOKS_BYTES, BOOKS_AT) == 0 &&
           memcmp(now, books, BOOKS_BYTES) == 0;
}

/* Reads a whole copy; if members come and go all the time, a copy. */
static int read_whole_copy(struct look *look)
{
    look->control = calloc(1, sizeof(*look->control));
    if (look->control == NULL)
        return fail(-ENOMEM, "no memory for a copy of the control memory");
    char books[BOOKS_BYTES];
    int r = 0;
    for (int i = 0; i < READ_ATTEMPTS; i++) {
        r = read_copy(look, books);
        if (r < 0 || is_whole(look, books))
            break;
    }
    return r < 0 ? fail_errno(r, "the control memory cannot be read") : 0;
}

/* ---- Understanding --------------------------------------------------------------------------- */

bool look_is_alive(const struct look *look, uint32_t slot)
{
    return (look->is_lent && slot == look->own_slot) ||
           ofd_is_locked(look->fd, (off_t)slot, 1) == 1;
}

static void count_members(struct look *look)
{
    struct ferry_object *object = &look->object;
    for (uint32_t slot = 0; slot < look->high; slot++) {
        if (RELAXED(look->control->members[slot].joined) == 0)
            continue;
        if (look_is_alive(look, slot))
            object->attached++;
        else
            object->dead++;
    }
}

static void describe_ledger(struct look *look)
{
    struct ferry_object *object = &look->object;
    struct layout_ledger *ledger = &look->control->ledger;
    object->attach_count = RELAXED(ledger->attaches);
    object->detach_count = RELAXED(ledger->detaches);
    object->death_count = RELAXED(ledger->deaths) + object->dead;
    object->last_attach_pid = layout_stamp_pid(RELAXED(ledger->last_attach));
    object->last_attach_unix_ms = layout_stamp_unix_ms(RELAXED(ledger->last_attach));
    object->last_detach_pid = layout_stamp_pid(RELAXED(ledger->last_detach));
    object->last_detach_unix_ms = layout_stamp_unix_ms(RELAXED(ledger->last_detach));
}

static void describe_segment(struct look *look)
{
    struct ferry_object *object = &look->object;
    object->version = RELAXED(look->control->notice.version);
    object->changed_unix_ms = layout_stamp_unix_ms(RELAXED(look->control->notice.changed));
}

/* Numbers that do not agree are shown as none. */
static void describe_stream(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_stream *stream = &look->control->stream;
    uint32_t exponent = RELAXED(stream->shape.exponent);
    object->keeps_records = (look->control->identity.flags & LAYOUT_RECORDS) != 0;
    object->size_bytes = exponent < 64 ? UINT64_C(1) << exponent : 0;
    object->written_bytes = RELAXED(stream->in.position);
    object->read_bytes = RELAXED(stream->out.position);
    object->write_count = RELAXED(stream->in.calls);
    object->read_count = RELAXED(stream->out.calls);
    /* What sleepers have not been told of is not there yet: see stream.c. */
    uint64_t depth = RELAXED(stream->in.told) - object->read_bytes;
    /* And what nobody holds is gone. */
    object->depth_bytes = depth <= object->size_bytes && object->attached > 0 ? depth : 0;
}

/* 0 if it is none that this library knows. */
static int known_kind(uint32_t kind)
{
    return strcmp(ferry_kind_name((int)kind), ferry_kind_name(0)) == 0 ? 0 : (int)kind;
}

/* From what was checked, not from the copy, which was read later; the copy gets it, too. */
static void describe_identity(struct look *look, const struct layout_identity *identity)
{
    struct ferry_object *object = &look->object;
    look->control->identity = *identity;
    object->kind = known_kind(identity->kind);
    object->anonymous = (identity->flags & LAYOUT_ANONYMOUS) != 0;
    object->size_bytes = identity->size_bytes;
    object->mode = identity->mode & 0777;
    object->creator_pid = layout_stamp_pid(identity->created);
    object->created_unix_ms = layout_stamp_unix_ms(identity->created);
}

/* What it was called, as its creator noted; only if that can have been a name. */
static void describe_label(struct look *look)
{
    char *label = look->object.label;
    memcpy(label, look->control->label, FERRY_NAME_SIZE);
    label[FERRY_NAME_SIZE - 1] = '\0';
    if (!name_is_valid(label))
        label[0] = '\0';
}

/* Who may use a pipe is what its FIFO's mode says. */
static unsigned fifo_mode(struct look *look, int root)
{
    char file[ROOT_FILE_SIZE];
    root_file(file, look->object.label, ROOT_BELL, look->inode);
    struct stat status;
    return fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) < 0 ? look->object.mode
                                                                 : status.st_mode & 0777;
}

/* The data's own mode and memory, if they can be found by name. */
static void describe_data(struct look *look)
{
    struct ferry_object *object = &look->object;
    if (object->label[0] == '\0' || object->removed) {
        object->reserved_bytes += (object->size_bytes + 4095) / 4096 * 4096;
        return;
    }
    CLEANUP(file_close) int root = root_open();
    char file[ROOT_FILE_SIZE];
    root_file(file, object->label, ROOT_DATA, look->inode);
    struct stat status;
    if (root < 0 || fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    object->mode = object->kind == FERRY_KIND_PIPE ? fifo_mode(look, root) : status.st_mode & 0777;
    object->reserved_bytes += (uint64_t)status.st_blocks * 512;
}

static void describe_damage(struct look *look)
{
    look->object.damaged = true;
    snprintf(look->object.damage, sizeof(look->object.damage), "%.*s",
             (int)sizeof(look->object.damage) - 1, ferry_explain());
}

static void describe_file(struct look *look, const struct stat *status)
{
    struct ferry_object *object = &look->object;
    object->owner = status->st_uid;
    object->group = status->st_gid;
    object->temporary = S_ISREG(status->st_mode) && (status->st_mode & S_ISVTX) != 0;
    look->inode = status->st_ino;
}

/* From the copy of the control memory, and from who is there. */
static void describe_object(struct look *look, const struct stat *status)
{
    struct ferry_object *object = &look->object;
    object->removed = status->st_nlink == 0 && !object->anonymous;
    object->reserved_bytes = (uint64_t)status->st_blocks * 512;
    count_members(look);
    describe_ledger(look);
    describe_segment(look);
    if (look_has_lock(object))
        look_at_lock(look);
    if (object->kind == FERRY_KIND_CONDITION)
        look_at_condition(look);
    if (object->kind == FERRY_KIND_PIPE)
        describe_stream(look);
    describe_data(look);
    if (object->kind == FERRY_KIND_QUEUE)
        look_at_queue(look);
    if (object->kind == FERRY_KIND_SEMAPHORE)
        look_at_semaphore(look);
    if (object->kind == FERRY_KIND_BARRIER)
        look_at_barrier(look);
}

/* Reads and describes what look->fd is open on. */
static int look_into(struct look *look, const char *name, const char *label)
{
    struct ferry_object *object = &look->object;
    object->object_bytes = sizeof(*object);
    snprintf(object->name, sizeof(object->name), "%s", name);
    snprintf(object->label, sizeof(object->label), "%s", label ? label : "");
    struct stat status;
    if (fstat(look->fd, &status) < 0)
        return fail_errno(-errno, "\"%s\" cannot be looked at", name);
    describe_file(look, &status);
    struct layout_identity identity;
    if (region_read_identity(look->fd, &status, &identity) < 0) {
        describe_damage(look);
        return 0;
    }
    int r = read_whole_copy(look);
    if (r < 0)
        return r;
    describe_identity(look, &identity);
    if (label == NULL)
        describe_label(look);
    describe_object(look, &status);
    return 0;
}

int look_at(struct look *ret_look, const char *name, const char *label, int fd)
{
    CLEANUP(look_release) struct look look = {.fd = fd};
    int r = look_into(&look, name, label);
    if (r < 0)
        return r;
    *ret_look = look;
    look = (struct look){.fd = -1};
    return 0;
}

/* Goes by its name while it has one; else by this descriptor, as it does in a listing. */
int look_as_member(struct look *ret_look, const char *name, int lock_fd, uint32_t slot)
{
    CLEANUP(look_release) struct look look = {.fd = lock_fd, .is_lent = true, .own_slot = slot};
    int r = look_into(&look, name, name);
    if (r < 0)
        return r;
    struct ferry_object *object = &look.object;
    if (object->removed || object->anonymous)
        snprintf(object->name, sizeof(object->name), "held:%d:%d", (int)getpid(), lock_fd);
    *ret_look = look;
    look = (struct look){.fd = -1};
    return 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Something goes by that name that cannot even be opened as a file: a link, a directory, a socket.
 */
static int look_at_oddity(struct look *ret_look, const char *name, struct stat status)
{
    struct look look = {.fd = -1, .object = {.object_bytes = sizeof(look.object)}};
    snprintf(look.object.name, sizeof(look.object.name), "%s", name);
    snprintf(look.object.label, sizeof(look.object.label), "%s", name);
    look.object.owner = status.st_uid;
    look.object.group = status.st_gid;
    fail(-EBADMSG, S_ISLNK(status.st_mode)
                       ? "it is a symbolic link, which Ferry never makes or follows; remove it"
                       : "it is not a regular file, so it is not Ferry's; remove it");
    describe_damage(&look);
    *ret_look = look;
    return 0;
}

/* The name of a temporary object counts as gone when its last member is, even if nobody has come
 * by to take it away. */
static bool is_abandoned(const struct look *look)
{
    const struct ferry_object *object = &look->object;
    return object->temporary && object->attached == 0 && !object->damaged;
}

static int open_by_name(struct look *ret_look, const char *name)
{
    int r = ferry_name_check(name);
    if (r < 0)
        return r;
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, name, ROOT_CONTROL, 0);
    int fd = openat(root, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        r = look_at(ret_look, name, name, fd);
        if (r < 0 || !is_abandoned(ret_look))
            return r;
        look_release(ret_look);
        errno = ENOENT;
    }
    int error = -errno;
    struct stat status;
    if (error == -ENOENT)
        return fail(error, "there is no \"%s\" in %s", name, root_path());
    if (fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode))
        return look_at_oddity(ret_look, name, status);
    if (error == -EACCES || error == -EPERM)
        return fail(-EACCES, "the permissions of \"%s\" do not let you look at it; ask its owner",
                    name);
    return fail_errno(error, "\"%s\" cannot be looked at", name);
}

/* held:PID:FD */
static int open_held(struct look *ret_look, const char *name)
{
    int pid, descriptor, end = 0;
    if (sscanf(name, "held:%d:%d%n", &pid, &descriptor, &end) != 2 || name[end] != '\0')
        return fail(-EINVAL, "\"%s\" is not of the form held:PID:FD", name);
    int fd = proc_open_descriptor(pid, descriptor, O_RDONLY | O_NONBLOCK);
    if (fd == -ENOENT && !proc_is_mounted())
        return fail(-EOPNOTSUPP,
                    "\"%s\" is found through /proc, which is not mounted; mount it (mount -t proc "
                    "proc /proc)",
                    name);
    if (fd < 0)
        return fail_errno(fd, "\"%s\" cannot be looked at", name);
    return look_at(ret_look, name, NULL, fd);
}

int look_open(struct look *ret_look, const char *name)
{
    if (name != NULL && strncmp(name, "held:", 5) == 0)
        return open_held(ret_look, name);
    return open_by_name(ret_look, name);
}

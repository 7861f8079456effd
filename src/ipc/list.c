/* Listing every object: those with a name in the root, and those that processes hold without one.
 *
 * The second kind is found through /proc: every member has the control file open, and the kernel
 * shows what a descriptor was opened as even when the name is gone. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/look.h"
#include "os/file.h"
#include "os/proc.h"
#include "shared/root.h"
#include "shared/sweep.h"

/* A list that grows; used for names and for inodes seen. */
struct list {
    char (*names)[FERRY_NAME_SIZE];
    struct stat *seen;
    size_t count, room;
};

struct listing {
    int (*each)(const struct ferry_object *object, void *context);
    void *context;
    struct list list;
};

/* Makes room for one more item of that size; NULL (and the old items stay) if there is no memory.
 */
static void *grow(void *items, struct list *list, size_t item_bytes)
{
    if (list->count < list->room)
        return items;
    size_t room = list->room ? list->room * 2 : 32;
    void *more = reallocarray(items, room, item_bytes);
    if (more != NULL)
        list->room = room;
    return more;
}

/* ---- With a name ----------------------------------------------------------------------------- */

static int collect(const char *file, void *context)
{
    struct list *list = context;
    char name[FERRY_NAME_SIZE];
    enum root_part part;
    uint64_t id;
    if (!root_parse(file, name, &part, &id) || part != ROOT_CONTROL)
        return 0;
    void *more = grow(list->names, list, FERRY_NAME_SIZE);
    if (more == NULL)
        return -ENOMEM;
    list->names = more;
    memcpy(list->names[list->count++], name, sizeof(name));
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* What can be said of an object that may not be looked at: whose it is, and that. */
static struct ferry_object describe_closed(const char *name)
{
    struct ferry_object object = {.object_bytes = sizeof(object), .damaged = true};
    snprintf(object.name, sizeof(object.name), "%s", name);
    snprintf(object.label, sizeof(object.label), "%s", name);
    snprintf(object.damage, sizeof(object.damage), "%.*s", (int)sizeof(object.damage) - 1,
             ferry_explain());
    CLEANUP(file_close) int root = root_open();
    char file[ROOT_FILE_SIZE];
    struct stat status;
    root_file(file, name, ROOT_CONTROL, 0);
    if (root >= 0 && fstatat(root, file, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        object.owner = status.st_uid;
        object.group = status.st_gid;
    }
    return object;
}

/* Tells of one object, if it is still there. */
static int tell_name(struct listing *listing, const char *name)
{
    CLEANUP(look_release) struct look look = {.fd = -1};
    int r = look_open(&look, name);
    if (r == -ENOENT)
        return 0;
    if (r < 0 && r != -EACCES) /* our own lack says nothing about the object */
        return r;
    if (r < 0)
        look.object = describe_closed(name);
    return listing->each(&look.object, listing->context);
}

static int list_named(struct listing *listing)
{
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    struct list list = {.names = NULL};
    int r = file_list(root, collect, &list);
    if (r < 0)
        r = fail_errno(r, "the root %s cannot be listed", root_path());
    if (r == 0 && list.count > 0)
        qsort(list.names, list.count, FERRY_NAME_SIZE, by_name);
    for (size_t i = 0; r == 0 && i < list.count; i++)
        r = tell_name(listing, list.names[i]);
    free(list.names);
    return r;
}

/* ---- Held without a name --------------------------------------------------------------------- */

/* Every member holds the same inode: tell of it once.  1 if it is new. */
static int note_inode(struct list *list, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->seen[i].st_dev == status.st_dev && list->seen[i].st_ino == status.st_ino)
            return 0;
    void *more = grow(list->seen, list, sizeof(struct stat));
    if (more == NULL)
        return 0;
    list->seen = more;
    list->seen[list->count++] = status;
    return 1;
}

/* May this be a control file without a name?  As the kernel writes it: `…/ferry.NAME (deleted)`,
 * `…/#INODE (deleted)` as its creator opened it, or `/memfd:ferry (deleted)`. */
static bool may_be_held(const char *target)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(target);
    const char *base = strrchr(target, '/') + 1;
    return length >= sizeof(deleted) &&
           strcmp(target + length - sizeof(deleted) + 1, deleted) == 0 &&
           (base[0] == '#' || strncmp(base, "ferry.", 6) == 0 || strncmp(base, "memfd:", 6) == 0);
}

static int tell_held(pid_t pid, int descriptor, const char *target, void *context)
{
    struct listing *listing = context;
    if (!may_be_held(target))
        return 0;
    char name[FERRY_NAME_SIZE];
    snprintf(name, sizeof(name), "held:%d:%d", (int)pid, descriptor);
    CLEANUP(look_release) struct look look = {.fd = -1};
    if (look_open(&look, name) < 0 || look.object.damaged) /* data, a bell, or not Ferry's */
        return 0;
    if (!look.object.removed && !look.object.anonymous) /* its creator's view of what has a name */
        return 0;
    if (note_inode(&listing->list, look.fd) == 0)
        return 0;
    return listing->each(&look.object, listing->context);
}

static int list_held(struct listing *listing)
{
    char real[PATH_MAX], prefix[PATH_MAX + 16];
    if (realpath(root_path(), real) == NULL)
        return 0;
    snprintf(prefix, sizeof(prefix), "%s/", real);
    int r = proc_each_descriptor(prefix, "/memfd:ferry (", tell_held, listing);
    free(listing->list.seen);
    return r;
}

int ferry_list(int (*each)(const struct ferry_object *object, void *context), void *context)
{
    struct listing listing = {.each = each, .context = context};
    sweep_sometimes();
    int r = list_named(&listing);
    return r != 0 ? r : list_held(&listing);
}

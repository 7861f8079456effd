/* Handles: finding or making an object, joining it, following forks, leaving.  See object.h.
 *
 * Opening finds the object or makes it, and joins.  Others may create and remove the same name
 * meanwhile; every step that finds the ground moved starts over, and each new start means that
 * somebody else got something done. */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/object.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "shared/members.h"
#include "shared/root.h"
#include "shared/sweep.h"

/* How long a name may stay between two objects, and how often to look. */
static const int64_t OPEN_PATIENCE_NS = 2000000000, OPEN_SLICE_NS = 100000;

/* ---- Forks ------------------------------------------------------------------------------------ */

static struct object *of_fork(struct fork_handle *handle)
{
    return (struct object *)(void *)((char *)handle - offsetof(struct object, fork));
}

/* Before a fork: a second membership, to become the child's.  If it cannot be had, the child's
 * handle will be stale. */
static void before_fork(struct fork_handle *handle)
{
    struct object *object = of_fork(handle);
    object->hooks->hold(object);
    object->child = object->slots;
    object->child.tag = 0;
    object->child.lock_fd = object->slots.tag == 0 || !object_is_ours(object)
                                ? -1
                                : region_reopen_control(&object->region, object->slots.lock_fd);
    if (object->child.lock_fd >= 0 && members_join(&object->child) < 0) {
        object->child.tag = 0;
        file_close(&object->child.lock_fd); /* and whatever byte it has locked */
    }
}

static void after_fork_in_parent(struct fork_handle *handle)
{
    struct object *object = of_fork(handle);
    file_close(&object->child.lock_fd);
    object->hooks->let_go(object);
}

static void after_fork_in_child(struct fork_handle *handle)
{
    struct object *object = of_fork(handle);
    /* First of all: while we hold the parent's description, its death is not seen. */
    file_close(&object->region.lock_fd);
    object->region.lock_fd = object->child.lock_fd;
    object->slots = object->child;
    object->slots.pid = getpid();
    if (object->slots.tag != 0)
        members_sign(&object->slots);
    object->hooks->after_fork(object);
    object->hooks->let_go(object);
}

int object_follow(struct object *object, const struct object_hooks *hooks)
{
    object->hooks = hooks;
    object->fork = (struct fork_handle){
        .before = before_fork, .in_parent = after_fork_in_parent, .in_child = after_fork_in_child};
    object->process = process_begin();
    int r = fork_follow(&object->fork);
    if (r < 0) /* our membership ends with its description */
        region_release(&object->region);
    return r;
}

int object_explain_stale(const struct object *object)
{
    if (!object_is_ours(object))
        return fail(-ESTALE, "this process was made by a bare clone(), so the handle is not its "
                             "own; open the object again");
    return fail(-ESTALE,
                "this handle could not follow fork (no descriptor or no slot was left, or "
                "the permissions forbid to open its object again); open it anew, or have it "
                "handed over");
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int check_size(const struct region *region, uint64_t wanted)
{
    if (wanted <= region->identity.size_bytes)
        return 0;
    return fail(-EINVAL, "\"%s\" has %llu bytes and %llu are needed; remove it and make it anew",
                region->name, (unsigned long long)region->identity.size_bytes,
                (unsigned long long)wanted);
}

static bool has_no_name(const struct region *region)
{
    CLEANUP(file_close) int root = root_open();
    char file[ROOT_FILE_SIZE];
    root_file(file, region->name, ROOT_CONTROL, 0);
    return root >= 0 && file_has_name(region->lock_fd, root, file) == 0;
}

/* Becomes a member of what was found.  -ESTALE: it is going away; look again. */
static int join(struct region *region, struct slots *ret_slots)
{
    int abandoned =
        region->temporary ? sweep_if_abandoned(region->lock_fd, region->name, region->id) : 0;
    if (abandoned == 1)
        return -ESTALE;
    if (abandoned < 0)
        return fail(-ENOENT,
                    "\"%s\" was temporary and is gone, but what is left of it has to be removed "
                    "by its owner or root (ferry rm)",
                    region->name);
    struct slots slots = {.control = region_control(region),
                          .lock_fd = region->lock_fd,
                          .reserved = LAYOUT_ENTRIES_AT_FIRST,
                          .role = region->role,
                          .forgets = region->identity.kind == FERRY_KIND_PIPE,
                          .pid = getpid(),
                          .namespace = proc_pid_namespace()};
    int r = members_join(&slots);
    if (r < 0)
        return r;
    if (region->temporary && has_no_name(region)) {
        members_leave(&slots);
        return -ESTALE;
    }
    *ret_slots = slots;
    return 0;
}

static int find_and_join(struct region *region, struct slots *slots,
                         const struct region_request *request)
{
    int r = region_find(region, request);
    if (r < 0)
        return r;
    r = check_size(region, request->least_bytes);
    if (r == 0)
        r = join(region, slots);
    if (r < 0)
        region_release(region);
    return r;
}

/* A name that is taken by a temporary object without members is free. */
static int make(struct region *region, struct slots *slots, const struct region_request *request)
{
    int r = region_make(region, slots, request);
    if (r != -EEXIST)
        return r;
    int abandoned = sweep_name(request->name);
    if (abandoned == 1)
        return -ESTALE;
    if (abandoned == -EPERM || abandoned == -EACCES)
        return fail(-EPERM,
                    "the name \"%s\" was a temporary object's; what is left of it has to be "
                    "removed by its owner or root (ferry rm)",
                    request->name);
    return r;
}

static int attach_once(struct region *region, struct slots *slots,
                       const struct region_request *request)
{
    bool create = request->name == NULL || (request->flags & FERRY_CREATE) != 0;
    if (create && (request->name == NULL || (request->flags & FERRY_EXCLUSIVE) != 0))
        return make(region, slots, request);
    int r = find_and_join(region, slots, request);
    if (r != -ENOENT || !create)
        return r;
    r = make(region, slots, request);
    return r == -EEXIST ? -ESTALE : r;
}

static int attach_patiently(struct region *region, struct slots *slots,
                            const struct region_request *request)
{
    deadline end = clock_deadline(OPEN_PATIENCE_NS);
    int r;
    for (int i = 0; (r = attach_once(region, slots, request)) == -ESTALE; i++) {
        if (clock_left_ns(end) == 0)
            return fail(-EBUSY,
                        "\"%s\" is made and removed all the time, or somebody was stopped while "
                        "removing it; try again",
                        request->name);
        if (i > 10)
            nanosleep(&(struct timespec){.tv_nsec = OPEN_SLICE_NS}, NULL);
    }
    return r;
}

static int map_twin(struct object *twin, const struct object *object, unsigned role)
{
    const struct region *region = &object->region;
    CLEANUP(file_close) int control = region_reopen_control(region, object->slots.lock_fd);
    if (control < 0)
        return control;
    CLEANUP(file_close) int data = region_reopen_data(region, role);
    if (data < 0)
        return data;
    int r = region_map(&twin->region, control, data, NULL);
    if (r < 0)
        return r;
    if (region->data_fd >= 0)
        twin->region.data_fd = TAKE_FD(data);
    twin->slots.control = region_control(&twin->region);
    twin->slots.role = role;
    return members_join(&twin->slots);
}

int object_twin(struct object *ret_twin, const struct object *object, unsigned role)
{
    struct object twin = *object;
    region_init(&twin.region, object->region.name);
    twin.region.identity = object->region.identity;
    twin.region.id = object->region.id;
    twin.region.temporary = object->region.temporary;
    twin.region.data_inode = object->region.data_inode;
    twin.region.mode = object->region.mode;
    twin.region.role = role;
    int lock_fd = region_reopen_control(&object->region, object->slots.lock_fd);
    if (lock_fd < 0)
        return lock_fd;
    twin.region.lock_fd = lock_fd;
    twin.slots.lock_fd = lock_fd;
    twin.slots.tag = 0;
    int r = map_twin(&twin, object, role);
    if (r < 0) {
        region_release(&twin.region);
        return r;
    }
    *ret_twin = twin;
    return 0;
}

static int attach(struct object *ret_object, const struct region_request *request)
{
    struct region region;
    struct slots slots;
    int r = attach_patiently(&region, &slots, request);
    if (r == 0)
        *ret_object = (struct object){.region = region, .slots = slots, .flags = request->flags};
    return r == -EADDRINUSE ? -EEXIST : r;
}

/* From the first lock on a byte until the handle follows forks, none may happen. */
static int open_once(const struct region_request *request, object_adopt *adopt, void *ret_handle)
{
    struct object object;
    fork_hold();
    int r = attach(&object, request);
    if (r == 0)
        r = adopt(&object, ret_handle);
    fork_unhold();
    return r;
}

int object_open(const struct region_request *request, object_adopt *adopt, void *ret_handle)
{
    if (request->name != NULL && (request->flags & FERRY_CREATE) != 0)
        sweep_sometimes();
    struct explanation before;
    explanation_keep(&before);
    int r = open_once(request, adopt, ret_handle);
    if (r == -ENOSPC) { /* again in any case: so that this is what is explained */
        sweep_root();
        r = open_once(request, adopt, ret_handle);
    }
    if (r == 0)
        explanation_restore(&before);
    return r;
}

int object_check_options(const struct object_options *options)
{
    bool create = options->name == NULL || (options->flags & FERRY_CREATE) != 0;
    if (options->options_bytes != options->options_known)
        return fail(-EINVAL,
                    "the options have %zu bytes, this library knows %zu; fill in "
                    "options_bytes, or use %s(…)",
                    options->options_bytes, options->options_known, options->macro);
    if ((options->flags & ~options->known_flags) != 0)
        return fail(-EINVAL, "unknown flags 0x%x", options->flags & ~options->known_flags);
    if ((options->flags & (FERRY_EXCLUSIVE | FERRY_TEMPORARY)) != 0 && !create)
        return fail(-EINVAL, "FERRY_EXCLUSIVE and FERRY_TEMPORARY go with FERRY_CREATE");
    if ((options->mode & ~0777u) != 0)
        return fail(-EINVAL, "a mode is at most 0777; 0%o is not", options->mode);
    return options->name == NULL ? 0 : ferry_name_check(options->name);
}

/* ---- Leaving ---------------------------------------------------------------------------------- */

/* Leaves the object, so that even a stopped peer cannot keep our byte. */
void object_leave(struct object *object)
{
    struct region *region = &object->region;
    fork_drop(&object->fork);
    if (!object_is_ours(object) || object->slots.tag == 0)
        return;
    if (object->hooks->leaving != NULL)
        object->hooks->leaving(object);
    off_t byte = (off_t)object->slots.slot;
    members_leave(&object->slots);
    ofd_unlock(region->lock_fd, byte, 1);
    if (region->temporary && region->name[0] != '\0')
        sweep_if_abandoned(region->lock_fd, region->name, region->id);
}

/* Segments: a region with a mutex and a notice.  The contract is in <ferry/segment.h>.
 *
 * Opening finds the object or makes it, and joins.  Others may create and remove the same name
 * meanwhile; every step that finds the ground moved starts over, and each new start means that
 * somebody else got something done. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "ipc/segment.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/ofd.h"
#include "os/proc.h"
#include "os/process.h"
#include "shared/members.h"
#include "shared/root.h"
#include "shared/sweep.h"

/* How long a name may stay between two objects, and how often to look. */
static const int64_t OPEN_PATIENCE_NS = 2000000000, OPEN_SLICE_NS = 100000;

static const unsigned KNOWN_FLAGS =
    FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_READ | FERRY_WRITE | FERRY_EINTR;

/* ---- The handle ------------------------------------------------------------------------------ */

static ferry_segment *of_fork(struct fork_handle *handle)
{
    return (ferry_segment *)(void *)((char *)handle - offsetof(ferry_segment, fork));
}

/* Not in a child that a bare clone() made. */
static bool is_ours(const ferry_segment *segment)
{
    return segment->process == process_number();
}

/* Before a fork: a second membership, to become the child's.  If it cannot be had, the child's
 * handle will be stale. */
static void before_fork(struct fork_handle *handle)
{
    ferry_segment *segment = of_fork(handle);
    pthread_mutex_lock(&segment->notice.guard);
    segment->child = segment->slots;
    segment->child.tag = 0;
    segment->child.lock_fd = segment->slots.tag == 0 || !is_ours(segment)
                                 ? -1
                                 : region_reopen_control(&segment->region, segment->slots.lock_fd);
    if (segment->child.lock_fd >= 0 && members_join(&segment->child, segment->region.role) < 0) {
        segment->child.tag = 0;
        file_close(&segment->child.lock_fd); /* and whatever byte it has locked */
    }
}

static void after_fork_in_parent(struct fork_handle *handle)
{
    ferry_segment *segment = of_fork(handle);
    file_close(&segment->child.lock_fd);
    pthread_mutex_unlock(&segment->notice.guard);
}

static void after_fork_in_child(struct fork_handle *handle)
{
    ferry_segment *segment = of_fork(handle);
    /* First of all: while we hold the parent's description, its death is not seen. */
    file_close(&segment->region.lock_fd);
    segment->region.lock_fd = segment->child.lock_fd;
    segment->slots = segment->child;
    segment->slots.pid = getpid();
    if (segment->slots.tag != 0)
        members_sign(&segment->slots);
    mutex_after_fork(&segment->mutex);
    notice_after_fork(&segment->notice);
    pthread_mutex_unlock(&segment->notice.guard);
}

int segment_new(ferry_segment **ret_segment, struct region *region, const struct slots *slots,
                bool interruptible)
{
    CLEANUP(region_release) struct region mine = *region;
    region_init(region, NULL);
    ferry_segment *segment = calloc(1, sizeof(*segment));
    if (segment == NULL)
        return fail(-ENOMEM, "no memory for a handle");
    segment->slots = *slots;
    segment->interruptible = interruptible;
    segment->fork = (struct fork_handle){
        .before = before_fork, .in_parent = after_fork_in_parent, .in_child = after_fork_in_child};
    notice_init(&segment->notice, &segment->slots, mine.bell_fd);
    mutex_init(&segment->mutex, &segment->slots, mine.bell_fd);
    segment->region = mine;
    region_init(&mine, NULL);
    segment->process = process_begin();
    int r = fork_follow(&segment->fork);
    if (r < 0) { /* our membership ends with its description */
        region_release(&segment->region);
        free(segment);
        return r;
    }
    *ret_segment = segment;
    return 0;
}

int segment_explain_stale(const ferry_segment *segment)
{
    if (!is_ours(segment))
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
                          .pid = getpid(),
                          .namespace = proc_pid_namespace()};
    int r = members_join(&slots, region->role);
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
    r = check_size(region, request->size_bytes);
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

static int attach(struct region *region, struct slots *slots, const struct region_request *request)
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

static int check_options(const char *name, const struct ferry_segment_options *options)
{
    bool create = name == NULL || (options->flags & FERRY_CREATE) != 0;
    if (options->options_bytes != sizeof(*options))
        return fail(-EINVAL,
                    "the options have %zu bytes, this library knows %zu; fill in "
                    "options_bytes, or use FERRY_SEGMENT(…)",
                    options->options_bytes, sizeof(*options));
    if ((options->flags & ~KNOWN_FLAGS) != 0)
        return fail(-EINVAL, "unknown flags 0x%x", options->flags & ~KNOWN_FLAGS);
    if ((options->flags & (FERRY_EXCLUSIVE | FERRY_TEMPORARY)) != 0 && !create)
        return fail(-EINVAL, "FERRY_EXCLUSIVE and FERRY_TEMPORARY go with FERRY_CREATE");
    if ((options->mode & ~0777u) != 0)
        return fail(-EINVAL, "a mode is at most 0777; 0%o is not", options->mode);
    if (create && options->size_bytes == 0)
        return fail(-EINVAL, "a segment has at least one byte; say how many (size_bytes, --size)");
    return name == NULL ? 0 : ferry_name_check(name);
}

/* From the first lock on a byte until the handle follows forks, none may happen. */
static int open_held(ferry_segment **ret_segment, const struct region_request *request)
{
    struct region region;
    struct slots slots;
    fork_hold();
    int r = attach(&region, &slots, request);
    if (r == 0)
        r = segment_new(ret_segment, &region, &slots, (request->flags & FERRY_EINTR) != 0);
    fork_unhold();
    return r == -EADDRINUSE ? -EEXIST : r;
}

int ferry_segment_open(ferry_segment **ret_segment, const char *name,
                       const struct ferry_segment_options *options)
{
    const struct ferry_segment_options defaults = {.options_bytes = sizeof(defaults)};
    if (options == NULL)
        options = &defaults;
    int r = check_options(name, options);
    if (r < 0)
        return r;
    const struct region_request request = {.name = name,
                                           .kind = FERRY_KIND_SEGMENT,
                                           .flags = options->flags,
                                           .mode = options->mode ? options->mode : 0600,
                                           .size_bytes = options->size_bytes,
                                           .address = options->address,
                                           .trusted_owners = options->trusted_owners,
                                           .trusted_owner_count = options->trusted_owner_count};
    if (name != NULL && (options->flags & FERRY_CREATE) != 0)
        sweep_sometimes();
    struct explanation before;
    explanation_keep(&before);
    r = open_held(ret_segment, &request);
    if (r == -ENOSPC) { /* again in any case: so that this is what is explained */
        sweep_root();
        r = open_held(ret_segment, &request);
    }
    if (r == 0)
        explanation_restore(
            &before); /* what was looked for on the way and not found is no failure */
    return r;
}

/* ---- Closing --------------------------------------------------------------------------------- */

/* Leaves the object, so that even a stopped peer cannot keep our byte. */
static void leave(ferry_segment *segment)
{
    struct region *region = &segment->region;
    mutex_abandon(&segment->mutex);
    off_t byte = (off_t)segment->slots.slot;
    members_leave(&segment->slots);
    ofd_unlock(region->lock_fd, byte, 1);
    if (region->temporary && region->name[0] != '\0')
        sweep_if_abandoned(region->lock_fd, region->name, region->id);
}

ferry_segment *ferry_segment_close(ferry_segment *segment)
{
    if (segment == NULL)
        return NULL;
    fork_hold();
    fork_drop(&segment->fork);
    if (is_ours(segment) && segment->slots.tag != 0)
        leave(segment);
    notice_deinit(&segment->notice);
    mutex_deinit(&segment->mutex);
    region_release(&segment->region);
    fork_unhold();
    free(segment);
    return NULL;
}

/* ---- Using ----------------------------------------------------------------------------------- */

void *ferry_segment_data(const ferry_segment *segment)
{
    return segment->region.data.data;
}

uint64_t ferry_segment_size(const ferry_segment *segment)
{
    return segment->region.identity.size_bytes;
}

int ferry_segment_lock(ferry_segment *segment, int64_t timeout_ns)
{
    int r = segment_usable(segment);
    return r < 0 ? r : mutex_lock(&segment->mutex, timeout_ns, segment->interruptible);
}

int ferry_segment_unlock(ferry_segment *segment)
{
    int r = segment_usable(segment);
    return r < 0 ? r : mutex_unlock(&segment->mutex);
}

int ferry_segment_repaired(ferry_segment *segment)
{
    int r = segment_usable(segment);
    return r < 0 ? r : mutex_repaired(&segment->mutex);
}

int ferry_segment_notify(ferry_segment *segment)
{
    int r = segment_usable(segment);
    if (r == 0)
        notice_step(&segment->notice);
    return r;
}

int ferry_segment_version(ferry_segment *segment, uint32_t *ret_version)
{
    int r = segment_usable(segment);
    if (r == 0)
        *ret_version = notice_version(&segment->notice);
    return r;
}

int ferry_segment_wait(ferry_segment *segment, uint32_t *version, int64_t timeout_ns)
{
    int r = segment_usable(segment);
    return r < 0 ? r : notice_wait(&segment->notice, version, timeout_ns, segment->interruptible);
}

int ferry_segment_descriptor(ferry_segment *segment)
{
    int r = segment_usable(segment);
    return r < 0 ? r : notice_descriptor(&segment->notice);
}

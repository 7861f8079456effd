/* Looking at a queue: see look.h.
 *
 * Counters are read from the copy of the control memory, one by one: while messages come and go, they need not agree.  How
 * old the oldest message is stands in the index of a queue with a store.  In one with a ring it stands beside the message, in
 * the data, which are for those who may receive; whoever looks opens them by name, and reads one header with pread. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ipc/look.h"
#include "os/file.h"
#include "shared/ring.h"
#include "shared/root.h"
#include "shared/store.h"

/* The data, if they can be found by name and may be read; else -errno. */
static int open_data(const struct look *look)
{
    const struct ferry_object *object = &look->object;
    if (object->label[0] == '\0' || object->removed)
        return -1;
    CLEANUP(file_close) int root = root_open();
    if (root < 0)
        return root;
    char file[ROOT_FILE_SIZE];
    root_file(file, object->label, ROOT_DATA, look->inode);
    return openat(root, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* -1 if no message is where the receivers are.  A counted one may be about to be there; its age is short then, or its sender's death
 * long ago. */
static int64_t ring_oldest_age(const struct look *look)
{
    const struct layout_queue *queue = &look->control->queue;
    uint32_t sequence = RELAXED(queue->out.sequence);
    ring_place place = RELAXED(queue->out.places[ring_which(sequence)]);
    CLEANUP(file_close) int data = open_data(look);
    struct ring_header header;
    if (data < 0 ||
        file_read_at(data, &header, sizeof(header), (uint64_t)ring_offset(place) * RING_CELL) < 0 ||
        RELAXED(header.state) == RING_EMPTY)
        return -1;
    return flow_age_ns(RELAXED(header.stamp));
}

/* A line of the store's index, which lies behind the table of members. */
static int read_line(const struct look *look, uint64_t line, union store_line *ret_line)
{
    uint64_t offset = sizeof(struct layout) + line * STORE_LINE_BYTES;
    return file_read_at(look->fd, ret_line, sizeof(*ret_line), offset);
}

/* Without priorities the oldest is the first message of the first list, which is at the end of a way of branches. */
static uint32_t first_message(const struct look *look, const struct layout_queue *queue)
{
    enum { STEPS = 96 };
    const struct flow_shape shape = {.flags = RELAXED(queue->shape.flags),
                                     .messages = RELAXED(queue->shape.messages),
                                     .bytes = RELAXED(queue->shape.bytes),
                                     .largest = RELAXED(queue->shape.largest)};
    uint64_t lists_at = store_shape_of(&shape).lists_at;
    union store_line line;
    if (read_line(look, STORE_ROOTS, &line) < 0)
        return 0;
    uint32_t reference = line.roots.tries[TRIE_FIRSTS];
    for (int i = 0; i <= STEPS && reference != 0; i++) {
        if (read_line(look, lists_at + (reference >> 1), &line) < 0)
            return 0;
        if ((reference & 1) == 0)
            return line.list.head;
        reference = line.list.children[TRIE_FIRSTS][0];
    }
    return 0;
}

/* While messages come and go it may be another message's age; or that of none, and then it is as good as any. */
static int64_t store_oldest_age(const struct look *look)
{
    const struct layout_queue *queue = &look->control->queue;
    union store_line line;
    uint32_t oldest = 0;
    if ((RELAXED(queue->shape.flags) & FERRY_PRIORITIES) == 0)
        oldest = first_message(look, queue);
    else if (read_line(look, STORE_BOOKS, &line) == 0)
        oldest = line.books.oldest;
    if (oldest == 0 || read_line(look, (uint64_t)STORE_EXTENTS + oldest, &line) < 0)
        return -1;
    return flow_age_ns(line.extent.stamp);
}

static void describe_depth(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_queue *queue = &look->control->queue;
    /* What came out counts what was dropped to make room and what was withdrawn, too.  Numbers that do not agree are shown as none. */
    uint64_t messages = RELAXED(queue->in.messages) - RELAXED(queue->out.messages);
    uint64_t bytes = RELAXED(queue->in.bytes) - RELAXED(queue->out.bytes);
    object->depth_messages = messages <= object->capacity_messages ? messages : 0;
    object->depth_bytes = bytes <= object->capacity_bytes ? bytes : 0;
    object->oldest_age_ns = -1;
    if (object->depth_messages > 0)
        object->oldest_age_ns =
            queue->shape.engine == LAYOUT_STORE ? store_oldest_age(look) : ring_oldest_age(look);
}

void look_at_queue(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_queue *queue = &look->control->queue;
    object->capacity_messages = queue->shape.messages;
    object->size_bytes = object->capacity_bytes = queue->shape.bytes;
    object->largest_bytes = queue->shape.largest;
    object->overflow = queue->shape.overflow;
    object->queue_flags = queue->shape.flags;
    object->most_messages = RELAXED(queue->in.most_messages);
    object->most_bytes = RELAXED(queue->in.most_bytes);
    uint64_t withdrawn = RELAXED(queue->out.withdrawn);
    object->sent_count = RELAXED(queue->in.messages) - withdrawn;
    object->dropped_newest = RELAXED(queue->in.dropped);
    object->dropped_oldest = RELAXED(queue->out.dropped);
    object->refused_count = RELAXED(queue->in.refused);
    uint64_t taken = RELAXED(queue->out.messages), gone = object->dropped_oldest + withdrawn;
    object->received_count = taken > gone ? taken - gone : 0;
    describe_depth(look);
}

/* A message queue, whoever makes it: what the bodies of this suite know of the kernel's queues and of Ferry's.
 *
 * The kernel is the oracle: each body passes on its queues, unchanged, before it says anything about Ferry's.  What a
 * back end has not, types or priorities or a bound by bytes, is not asked of it.  Results are a count or -errno
 * everywhere, with Ferry's codes; timeouts are Ferry's.
 *
 *     QUEUE_CONFORMANCE(the_first_of_a_type, CAN_TYPES) // Q2
 *     {
 *         struct queue queue = queue_make(back_end, DEFAULT_BOUNDS);
 *         …
 *         queue_destroy(&queue);
 *     }
 *
 * registers a case for each back end; on one that cannot, it is skipped without being counted.  In the program with the
 * planted faults there is one for each wrong back end. */
#ifndef FERRY_CONFORMANCE_QUEUE_H
#define FERRY_CONFORMANCE_QUEUE_H

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "random.h"
#include "test.h"

/* What a back end has. */
enum {
    CAN_TYPES = 0x01,
    CAN_PRIORITIES = 0x02,
    CAN_COUNT = 0x04,        /* a bound by number */
    CAN_BYTES = 0x08,        /* a bound by bytes */
    CAN_TRUNCATE = 0x10,     /* cuts off what does not fit, where asked to */
    CAN_SHORT_BUFFER = 0x20, /* needs a buffer for this message, not for the largest */
    CAN_TIME_OUT = 0x40,
    CAN_GO_ON = 0x80, /* a wait outlives a signal handler, unless asked otherwise */
    CAN_POLL = 0x100,
    CAN_TELL_REMOVAL = 0x200, /* who waits when it is removed gets -EIDRM */
    CAN_ALL = 0x3ff,
};

struct bounds {
    uint32_t messages, bytes, largest;
    bool interruptible; /* waits end with -EINTR when a signal handler ran */
};

/* What every back end allows, the kernel's with its own defaults. */
#define DEFAULT_BOUNDS                                                                             \
    ((struct bounds){.messages = DEFAULT_MESSAGES, .bytes = 16384, .largest = LARGEST})
enum { DEFAULT_MESSAGES = 10, LARGEST = 8192 };

/* A handle in this process; each back end uses the fields that it needs. */
struct queue {
    const struct queue_back_end *back_end;
    ferry_queue *ferry;
    int id; /* System V's number, or POSIX's descriptor */
    struct bounds bounds;
    char name[48];
};

struct queue_back_end {
    const char *name;
    unsigned can;
    unsigned flags; /* Ferry's: FERRY_TYPES, FERRY_PRIORITIES */

    /* Makes a queue with these bounds under queue->name. */
    void (*make)(struct queue *queue);
    /* One more handle, in whatever process; the other one's copy may be there, too. */
    void (*open)(struct queue *queue);
    void (*close)(struct queue *queue);
    void (*remove)(struct queue *queue);

    int (*send)(struct queue *queue, const struct ferry_message *message, int64_t timeout_ns);
    ssize_t (*receive)(struct queue *queue, struct ferry_message *message,
                       const struct ferry_choice *choice, int64_t timeout_ns);
    int (*descriptor)(struct queue *queue, unsigned role); /* CAN_POLL */
    short room_event;                                      /* what poll() calls room */
};

extern const struct queue_back_end system_v, posix;
extern const struct queue_back_end ferry_plain, ferry_priority, ferry_typed, ferry_typed_priority;

/* ---- Handles ---- */

struct queue queue_make(const struct queue_back_end *back_end, struct bounds bounds);

/* A handle of the calling process's own, for a queue that another one has made. */
struct queue queue_open(const struct queue *made);
void queue_close(struct queue *queue);

/* Closes and removes. */
void queue_destroy(struct queue *queue);

static inline bool queue_can(const struct queue *queue, unsigned features)
{
    return (queue->back_end->can & features) == features;
}

/* ---- Messages whose bytes follow from a number ---- */

struct item {
    uint32_t number, size;
    uint64_t type;
    uint32_t priority;
};

unsigned char item_byte(const struct item *item, uint32_t position);

/* 0 or -errno. */
int queue_put(struct queue *queue, struct item item, int64_t timeout_ns);

/* Receives at once, and it is this one. */
void queue_expect(struct queue *queue, const struct ferry_choice *choice, struct item item);

/* Receives, however long that takes, and it is this one. */
void queue_await(struct queue *queue, const struct ferry_choice *choice, struct item item);

/* Receives at once into a buffer of that size, and throws away. */
ssize_t queue_get(struct queue *queue, const struct ferry_choice *choice, uint32_t room,
                  int64_t timeout_ns);

/* There is none of choice. */
void queue_expect_none(struct queue *queue, const struct ferry_choice *choice);

#define OF_TYPE(type_) (&(struct ferry_choice){.selection = FERRY_OF_TYPE, .type = (type_)})
#define UP_TO(type_)   (&(struct ferry_choice){.selection = FERRY_UP_TO, .type = (type_)})
#define EXCEPT(type_)  (&(struct ferry_choice){.selection = FERRY_EXCEPT, .type = (type_)})
#define ANY            ((const struct ferry_choice *)NULL)

/* ---- A queue as a list, to compare with ---- */

enum { LIST_ROOM = 128 };

struct list {
    struct item items[LIST_ROOM];
    uint32_t count, bytes;
};

void list_add(struct list *list, struct item item);
struct item list_take(struct list *list, int index);

/* Which one is received; -1: none. */
int list_find(const struct list *list, const struct ferry_choice *choice);

/* ---- Registering ---- */

#define QUEUE_CONFORMANCE_ON(back_end_, name_, needs_, seconds_)                                   \
    static void name_##_on_##back_end_(void)                                                       \
    {                                                                                              \
        name_(&back_end_);                                                                         \
    }                                                                                              \
    static struct test_case name_##_case_##back_end_ = {                                           \
        .name = #back_end_ "." #name_, .body = name_##_on_##back_end_, .limit_s = (seconds_)};     \
    __attribute__((constructor)) static void name_##_register_##back_end_(void)                    \
    {                                                                                              \
        if ((back_end_.can & (unsigned)(needs_)) == (unsigned)(needs_))                            \
            test_register(&name_##_case_##back_end_);                                              \
    }

#ifdef CONFORMANCE_PLANTED
#include "queue_planted.h"
#else
#define QUEUE_CONFORMANCE_ON_ALL(name_, needs_, seconds_)                                          \
    QUEUE_CONFORMANCE_ON(system_v, name_, needs_, seconds_)                                        \
    QUEUE_CONFORMANCE_ON(posix, name_, needs_, seconds_)                                           \
    QUEUE_CONFORMANCE_ON(ferry_plain, name_, needs_, seconds_)                                     \
    QUEUE_CONFORMANCE_ON(ferry_priority, name_, needs_, seconds_)                                  \
    QUEUE_CONFORMANCE_ON(ferry_typed, name_, needs_, seconds_)                                     \
    QUEUE_CONFORMANCE_ON(ferry_typed_priority, name_, needs_, seconds_)
#endif

#define QUEUE_CONFORMANCE_LONG(name_, needs_, seconds_)                                            \
    static void name_(const struct queue_back_end *back_end);                                      \
    QUEUE_CONFORMANCE_ON_ALL(name_, needs_, seconds_)                                              \
    static void name_(const struct queue_back_end *back_end)
#define QUEUE_CONFORMANCE(name_, needs_) QUEUE_CONFORMANCE_LONG(name_, needs_, 30)

#endif

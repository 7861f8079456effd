/* What the tests of queues share: the kinds of queues there are, and opening, sending and looking in one line.
 *
 *     EACH_QUEUE(batches_come_out_as_they_went_in) // Q6
 *     {
 *         ferry_queue *queue = make_queue(kind, "q", 0);
 *         …
 *     }
 *
 * registers a case for each kind that has a buffer: plain.batches_come_out…, typed.… and so on.  A user never sees which engine
 * a queue has, so neither does a test. */
#ifndef FERRY_TEST_QUEUES_H
#define FERRY_TEST_QUEUES_H

#include <poll.h>

#include "support.h"

struct queue_kind {
    const char *name;
    unsigned flags;
    uint64_t largest; /* 0: the default */
};

static const struct queue_kind plain
    __attribute__((unused)) = {.name = "plain"},
    typed __attribute__((unused)) = {"typed", FERRY_TYPES, 0},
    priority __attribute__((unused)) = {"priority", FERRY_PRIORITIES, 0},
    typed_priority __attribute__((unused)) = {"typed_priority", FERRY_TYPES | FERRY_PRIORITIES, 0},
    unbounded __attribute__((unused)) = {"unbounded", FERRY_UNBOUNDED, 0},
    typed_unbounded __attribute__((unused)) = {"typed_unbounded", FERRY_TYPES | FERRY_UNBOUNDED, 0},
    large __attribute__((unused)) = {"large", 0, 100000},
    large_priority __attribute__((unused)) = {"large_priority", FERRY_PRIORITIES, 100000};

#define ONE_QUEUE(kind_, name_)                                                                    \
    static void name_##_of_##kind_(void)                                                           \
    {                                                                                              \
        name_(&kind_);                                                                             \
    }                                                                                              \
    static struct test_case name_##_case_##kind_ = {                                               \
        .name = #kind_ "." #name_, .body = name_##_of_##kind_, .limit_s = 30};                     \
    __attribute__((constructor)) static void name_##_register_##kind_(void)                        \
    {                                                                                              \
        test_register(&name_##_case_##kind_);                                                      \
    }

/* Those whose bounds are what was asked for. */
#define EACH_BOUNDED_QUEUE(name_)                                                                  \
    static void name_(const struct queue_kind *kind);                                              \
    ONE_QUEUE(plain, name_)                                                                        \
    ONE_QUEUE(typed, name_)                                                                        \
    ONE_QUEUE(priority, name_)                                                                     \
    ONE_QUEUE(typed_priority, name_)                                                               \
    ONE_QUEUE(large, name_)                                                                        \
    ONE_QUEUE(large_priority, name_)                                                               \
    static void name_(const struct queue_kind *kind)

#define EACH_QUEUE(name_)                                                                          \
    static void name_(const struct queue_kind *kind);                                              \
    ONE_QUEUE(unbounded, name_)                                                                    \
    ONE_QUEUE(typed_unbounded, name_)                                                              \
    EACH_BOUNDED_QUEUE(name_)

/* ---- Handles ---- */

static inline ferry_queue *open_queue(const char *name, unsigned flags)
{
    ferry_queue *queue;
    CHECK_OK(ferry_queue_open(&queue, name, FERRY_QUEUE(.flags = flags)));
    return queue;
}

static inline ferry_queue *make_bounded(const struct queue_kind *kind, const char *name,
                                        unsigned flags, uint64_t messages, unsigned overflow)
{
    ferry_queue *queue;
    /* Each handle has room for the limit in its address space, of which there may be little. */
    bool is_small = sizeof(void *) == 4 && (kind->flags & FERRY_UNBOUNDED) != 0;
    CHECK_OK(
        ferry_queue_open(&queue, name,
                         FERRY_QUEUE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE | kind->flags | flags,
                                     .messages = messages, .bytes = is_small ? 16 << 20 : 0,
                                     .overflow = overflow, .largest = kind->largest)));
    return queue;
}

static inline ferry_queue *make_queue(const struct queue_kind *kind, const char *name,
                                      unsigned flags)
{
    return make_bounded(kind, name, flags, 0, FERRY_OVERFLOW_BLOCK);
}

static inline void destroy_queue(ferry_queue *queue, const char *name)
{
    ferry_queue_close(queue);
    CHECK_OK(ferry_remove(name));
}

static inline struct ferry_queue_statistics statistics_of(ferry_queue *queue)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof statistics};
    CHECK_OK(ferry_queue_statistics(queue, &statistics));
    return statistics;
}

/* ---- Messages that are texts ---- */

static inline void put(ferry_queue *queue, const char *text)
{
    CHECK_EQ(ferry_queue_send(queue, text, strlen(text), FERRY_NOW), 0);
}

static inline void expect(ferry_queue *queue, const char *text)
{
    char got[64] = "";
    ssize_t size = ferry_queue_receive(queue, got, sizeof got - 1, FERRY_FOREVER);
    CHECK_OK(size);
    CHECK_STR(got, text);
    CHECK_EQ(size, strlen(text));
}

static inline void expect_nothing(ferry_queue *queue)
{
    char got[64];
    CHECK_ERR(ferry_queue_receive(queue, got, sizeof got, FERRY_NOW), EAGAIN);
}

/* What poll() says at once. */
static inline bool is_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    CHECK_ERRNO(poll(&watched, 1, 0));
    return watched.revents != 0;
}

static inline void poll_until_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    while (poll(&watched, 1, -1) < 0)
        CHECK_EQ(errno, EINTR);
}

#endif

/* Pipes in the callers' own poll loops: with FERRY_NOW alone, level-triggered, and nobody waits in
 * Ferry.  Who is not told hangs, and the case with it. */
#include "pipes.h"

#include <sys/epoll.h>
#include <sys/resource.h>

struct side {
    ferry_pipe *ends[2];
    uint64_t total;
    uint64_t *sum; /* of what was read by all */
    size_t chunk;
    bool waits; /* in Ferry, not in poll */
};

static int watch(ferry_pipe *pipe, uint32_t events)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), fd = descriptor_of(pipe);
    struct epoll_event event = {.events = events};
    CHECK_ERRNO(epoll);
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    return epoll;
}

static void await(int epoll)
{
    struct epoll_event event;
    while (epoll_wait(epoll, &event, 1, -1) < 0)
        CHECK_EQ(errno, EINTR);
}

/* ---- Loops ------------------------------------------------------------------------------------ */

static void write_in_loop(void *context)
{
    struct side *side = context;
    unsigned char *bytes = malloc(side->chunk);
    ferry_pipe_close(side->ends[0]);
    int epoll = watch(side->ends[1], EPOLLOUT);
    uint32_t random = 3;
    for (uint64_t at = 0; at < side->total;) {
        size_t count = 1 + next_random(&random) % side->chunk;
        if (count > side->total - at)
            count = (size_t)(side->total - at);
        put_bytes(bytes, count, at);
        await(epoll);
        ssize_t n = ferry_pipe_write(side->ends[1], bytes, count, FERRY_NOW);
        CHECK(n > 0 || n == -EAGAIN);
        at += n > 0 ? (uint64_t)n : 0;
    }
    free(bytes);
    close(epoll);
    ferry_pipe_close(side->ends[1]);
}

static uint64_t add_up(const unsigned char *bytes, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    return sum;
}

/* One that sums what it gets; several may. */
static void read_to_the_end(struct side *side, bool check)
{
    unsigned char *bytes = malloc(side->chunk);
    int epoll = side->waits ? -1 : watch(side->ends[0], EPOLLIN);
    uint32_t random = 17;
    uint64_t at = 0, sum = 0;
    for (;;) {
        if (!side->waits)
            await(epoll);
        size_t count = 1 + next_random(&random) % side->chunk;
        ssize_t n =
            ferry_pipe_read(side->ends[0], bytes, count, side->waits ? FERRY_FOREVER : FERRY_NOW);
        if (n == 0)
            break;
        CHECK(n > 0 || n == -EAGAIN);
        if (n > 0 && check)
            check_bytes(bytes, (size_t)n, at);
        sum += n > 0 ? add_up(bytes, (size_t)n) : 0;
        at += n > 0 ? (uint64_t)n : 0;
    }
    if (check)
        CHECK_EQ(at, side->total);
    atomic_fetch_add((_Atomic uint64_t *)side->sum, sum);
    free(bytes);
    if (epoll >= 0)
        close(epoll);
    ferry_pipe_close(side->ends[0]);
}

static void read_in_loop(void *context)
{
    struct side *side = context;
    ferry_pipe_close(side->ends[1]);
    read_to_the_end(side, false);
}

static uint64_t sum_of(uint64_t total)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < total; i++)
        sum += byte_at(i);
    return sum;
}

static struct side make_side(uint64_t capacity, uint64_t total, size_t chunk)
{
    struct side side = {.total = total, .chunk = chunk, .sum = test_shared(sizeof(uint64_t))};
    open_pair(side.ends, capacity, 0);
    return side;
}

/* ---- Two loops -------------------------------------------------------------------------------- */

static void run_two(uint64_t capacity, uint64_t total, size_t chunk)
{
    struct side side = make_side(capacity, total, chunk);
    pid_t writer = test_child(write_in_loop, &side);
    ferry_pipe_close(side.ends[1]);
    read_to_the_end(&side, true);
    test_wait_ok(writer);
}

TEST_LONG(two_poll_loops_pass_megabytes_on, 120) /* G15 P5 P6 P7 */
{
    run_two(65536, 30000000, 20000);
    run_two(4096, 3000000, 3000);
    run_two(4096, 3000000, 10000);
    run_two(8192, 200000, 3);
    run_two(1 << 20, 60000000, 300000);
}

TEST_LONG(two_poll_loops_on_one_processor_do, 120) /* G15 P5 P6 */
{
    pin(0);
    run_two(65536, 30000000, 20000);
    run_two(4096, 2000000, 5000);
}

/* ---- Several ---------------------------------------------------------------------------------- */

/* Readers in loops of their own, of which the first few wait in Ferry, and as many writers. */
static void run_several(int readers, int waiting, int writers, uint64_t total)
{
    enum { MOST = 8 };
    pid_t pids[MOST];
    int count = 0;
    struct side side = make_side(16384, total, 6000);
    for (int i = 0; i < readers; i++) {
        side.waits = i < waiting;
        pids[count++] = test_child(read_in_loop, &side);
    }
    for (int i = 0; i < writers; i++)
        pids[count++] = test_child(write_in_loop, &side);
    close_pair(side.ends);
    while (count > 0)
        test_wait_ok(pids[--count]);
    CHECK_EQ(*side.sum, sum_of(total) * (uint64_t)writers);
}

TEST_LONG(several_poll_loops_get_all_between_them, 120) /* G15 P10 */
{
    run_several(3, 0, 1, 6000000);
    run_several(3, 0, 3, 2000000);
    run_several(1, 0, 4, 2000000);
}

TEST_LONG(poll_loops_get_theirs_beside_readers_that_wait, 120) /* G15 P10 */
{
    run_several(2, 1, 1, 6000000);
    run_several(4, 2, 2, 2000000);
}

/* A token that a sleeper takes and does not use is the others'. */
struct hungry {
    ferry_pipe *ends[2];
    struct test_gate *woken;
};

static void peek_and_leave(void *context)
{
    struct hungry *hungry = context;
    const void *bytes;
    ferry_pipe_close(hungry->ends[1]);
    CHECK_EQ(ferry_pipe_peek(hungry->ends[0], &bytes, FERRY_FOREVER), 1);
    CHECK_OK(ferry_pipe_consume(hungry->ends[0], 0));
    test_gate_open(hungry->woken);
    stay();
}

TEST(bytes_that_a_woken_reader_leaves_are_shown_to_the_next) /* G15 P10 P14 */
{
    struct hungry hungry = {.woken = test_gate_new()};
    open_pair(hungry.ends, 0, 0);
    int fd = descriptor_of(hungry.ends[0]);
    pid_t other = test_child(peek_and_leave, &hungry);
    test_sleeping(other);
    write_bytes(hungry.ends[1], 1, 0);
    test_gate_wait(hungry.woken);
    CHECK_EQ(poll_now(fd), POLLIN);
    read_bytes(hungry.ends[0], 1, 0);
    CHECK_EQ(poll_now(fd), 0);
    test_kill(other);
    close_pair(hungry.ends);
}

static void read_too_little(void *context)
{
    struct hungry *hungry = context;
    char bytes[10];
    ferry_pipe_close(hungry->ends[1]);
    CHECK_ERR(ferry_pipe_read(hungry->ends[0], bytes, sizeof(bytes), FERRY_FOREVER), EMSGSIZE);
    test_gate_open(hungry->woken);
    stay();
}

TEST(a_record_that_was_too_large_for_one_is_shown_to_the_next) /* G15 P15 */
{
    struct hungry hungry = {.woken = test_gate_new()};
    open_pair(hungry.ends, 0, FERRY_RECORDS);
    int fd = descriptor_of(hungry.ends[0]);
    pid_t other = test_child(read_too_little, &hungry);
    test_sleeping(other);
    write_bytes(hungry.ends[1], 100, 0);
    test_gate_wait(hungry.woken);
    CHECK_EQ(poll_now(fd), POLLIN);
    read_bytes(hungry.ends[0], 100, 0);
    CHECK_EQ(poll_now(fd), 0);
    test_kill(other);
    close_pair(hungry.ends);
}

/* Of two writers, one in its own loop: a page read at a time lets it go on. */
TEST(room_made_page_by_page_shows_beside_a_reader_that_polls) /* G15 P6 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 16384, 0);
    int reading = descriptor_of(ends[0]), writing = descriptor_of(ends[1]);
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 100; round++) {
        while (poll_now(writing) == POLLOUT) {
            write_bytes(ends[1], 4096, in);
            in += 4096;
        }
        CHECK_EQ(in - out, 16384u);
        CHECK_EQ(poll_now(reading), POLLIN);
        read_bytes(ends[0], 4096, out);
        out += 4096;
    }
    close_pair(ends);
}

/* ---- Idle, forked, killed --------------------------------------------------------------------- */

static long switches(void)
{
    struct rusage usage;
    CHECK_ERRNO(getrusage(RUSAGE_SELF, &usage));
    return usage.ru_nvcsw;
}

struct idle {
    ferry_pipe *ends[2];
    struct test_gate *gate;
    _Atomic long *slept;
};

static void poll_twice(void *context)
{
    struct idle *idle = context;
    char byte;
    ferry_pipe_close(idle->ends[1]);
    int fd = descriptor_of(idle->ends[0]);
    test_gate_open(idle->gate);
    long before = switches();
    CHECK_EQ(poll_for(fd, POLLIN), POLLIN);
    atomic_store(idle->slept, switches() - before);
    CHECK_EQ(ferry_pipe_read(idle->ends[0], &byte, 1, FERRY_NOW), 1);
    CHECK_EQ(poll_for(fd, POLLIN), POLLHUP);
    CHECK_EQ(ferry_pipe_read(idle->ends[0], &byte, 1, FERRY_NOW), 0);
    ferry_pipe_close(idle->ends[0]);
}

/* Meanwhile others do what is nothing to it. */
TEST(who_sleeps_in_poll_wakes_for_bytes_alone) /* G15 */
{
    struct idle idle = {.gate = test_gate_new(), .slept = test_shared(sizeof(long))};
    open_pair(idle.ends, 0, 0);
    pid_t reader = test_child(poll_twice, &idle);
    test_gate_wait(idle.gate);
    test_sleeping(reader);
    void *room;
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(ferry_pipe_reserve(idle.ends[1], &room, 1, FERRY_NOW));
        CHECK_OK(ferry_pipe_commit(idle.ends[1], 0));
    }
    test_sleeping(reader);
    write_bytes(idle.ends[1], 1, 0);
    test_wait_until(atomic_load(idle.slept) > 0);
    CHECK_EQ(atomic_load(idle.slept), 1);
    close_pair(idle.ends);
    test_wait_ok(reader);
}

static void poll_in_child(void *context)
{
    ferry_pipe **ends = context;
    int fd = descriptor_of(ends[0]);
    CHECK_EQ(poll_for(fd, POLLIN), POLLIN);
    read_bytes(ends[0], 10, 0);
    CHECK_EQ(poll_now(fd), 0);
    ferry_pipe_close(ends[1]);
    CHECK_EQ(poll_for(fd, POLLIN), POLLHUP);
    ferry_pipe_close(ends[0]);
}

TEST(a_fork_s_child_listens_for_itself) /* G11 G15 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, 0);
    descriptor_of(ends[0]);
    pid_t child = test_child(poll_in_child, ends);
    ferry_pipe_close(ends[0]); /* and with it the parent's listening */
    test_sleeping(child);
    write_bytes(ends[1], 10, 0);
    ferry_pipe_close(ends[1]);
    test_wait_ok(child);
}

static void listen_and_stay(void *context)
{
    ferry_pipe **ends = context;
    descriptor_of(ends[0]);
    descriptor_of(ends[1]);
    stay();
}

TEST(a_killed_listener_is_in_nobody_s_way) /* G8 G15 */
{
    struct side side = make_side(8192, 500000, 3000);
    pid_t victim = test_child(listen_and_stay, side.ends);
    test_sleeping(victim);
    test_kill(victim);
    pid_t writer = test_child(write_in_loop, &side);
    ferry_pipe_close(side.ends[1]);
    read_to_the_end(&side, true);
    test_wait_ok(writer);
}

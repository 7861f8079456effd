/* SIGPIPE comes to who asked for it, as the kernel's does, and to nobody else (contract P8, S6, X2). */
#include "pipes.h"

#include <fcntl.h>
#include <pthread.h>

/* ---- A child's end ---------------------------------------------------------------------------- */

struct broken {
    ferry_pipe *writing;
    void (*before)(void);
    int (*write)(ferry_pipe *pipe);
};

static int write_one(ferry_pipe *pipe)
{
    return (int)ferry_pipe_write(pipe, "x", 1, FERRY_NOW);
}

static int write_forever(ferry_pipe *pipe)
{
    return (int)ferry_pipe_write(pipe, "x", 1, FERRY_FOREVER);
}

static int reserve_one(ferry_pipe *pipe)
{
    void *room;
    return (int)ferry_pipe_reserve(pipe, &room, 1, FERRY_FOREVER);
}

static int write_much(ferry_pipe *pipe)
{
    static char bytes[300000];
    return (int)ferry_pipe_write(pipe, bytes, sizeof(bytes), FERRY_FOREVER);
}

static void write_into_nothing(void *context)
{
    struct broken *broken = context;
    if (broken->before != NULL)
        broken->before();
    CHECK_ERR(broken->write(broken->writing), EPIPE);
    ferry_pipe_close(broken->writing);
}

/* What the parent's wait() says of a child that wrote for nobody. */
static int end_of_writer(unsigned flags, void (*before)(void), int (*write)(ferry_pipe *pipe))
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, flags);
    ferry_pipe_close(ends[0]);
    struct broken broken = {.writing = ends[1], .before = before, .write = write};
    pid_t pid = test_child(write_into_nothing, &broken);
    int status = end_of(pid);
    ferry_pipe_close(ends[1]);
    return status;
}

static void by_default(void)
{
    signal(SIGPIPE, SIG_DFL);
}

TEST(the_parent_s_wait_names_signal_13) /* P8 X2 */
{
    int (*const ways[])(ferry_pipe *) = {write_one, write_forever, reserve_one, write_much};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int status = end_of_writer(FERRY_SIGPIPE, by_default, ways[i]);
        CHECK(WIFSIGNALED(status));
        CHECK_EQ(WTERMSIG(status), 13);
    }
}

TEST(without_the_flag_there_is_no_signal) /* P8 S6 */
{
    int (*const ways[])(ferry_pipe *) = {write_one, write_forever, reserve_one, write_much};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        CHECK_EQ(end_of_writer(0, by_default, ways[i]), 0);
}

static void ignore(void)
{
    signal(SIGPIPE, SIG_IGN);
}

static _Atomic int caught;

static void count_signal(int number)
{
    CHECK_EQ(number, SIGPIPE);
    atomic_fetch_add(&caught, 1);
}

static void block(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

TEST(an_ignored_or_blocked_one_leaves_the_error) /* P8 */
{
    CHECK_EQ(end_of_writer(FERRY_SIGPIPE, ignore, write_one), 0);
    CHECK_EQ(end_of_writer(FERRY_SIGPIPE, block, write_one), 0);
}

static bool is_pending(void)
{
    sigset_t set;
    CHECK_ERRNO(sigpending(&set));
    return sigismember(&set, SIGPIPE) == 1;
}

TEST(a_handler_runs_once_for_each_write_and_a_blocked_one_pends) /* P8 */
{
    ferry_pipe *ends[2];
    open_pair(ends, 0, FERRY_SIGPIPE);
    ferry_pipe_close(ends[0]);
    signal(SIGPIPE, count_signal);
    for (int i = 1; i <= 3; i++) {
        CHECK_ERR(write_one(ends[1]), EPIPE);
        CHECK_EQ(atomic_load(&caught), i);
    }
    block();
    CHECK_ERR(write_one(ends[1]), EPIPE);
    CHECK(is_pending());
    CHECK_EQ(atomic_load(&caught), 3);
    ferry_pipe_close(ends[1]);
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

/* Everything that gives tokens, with nobody to take them. */
TEST(tokens_for_nobody_raise_nothing) /* P8 S6 G12 */
{
    ferry_pipe *ends[2];
    signal(SIGPIPE, count_signal);
    for (int round = 0; round < 2; round++) {
        open_pair(ends, 4096, 0);
        if (round == 1)
            block();
        descriptor_of(ends[0]);
        descriptor_of(ends[1]);
        write_bytes(ends[1], 4096, 0);
        ferry_pipe_close(ends[0]);
        CHECK_OK(ferry_pipe_set_capacity(ends[1], 8192));
        CHECK_OK(ferry_pipe_set_capacity(ends[1], 4096));
        descriptor_of(ends[1]);
        CHECK_ERR(write_one(ends[1]), EPIPE);
        CHECK_ERR(write_forever(ends[1]), EPIPE);
        CHECK_ERR(reserve_one(ends[1]), EPIPE);
        ferry_pipe_close(ends[1]);
    }
    CHECK(!is_pending());
    CHECK_EQ(atomic_load(&caught), 0);
}

TEST(one_that_pends_already_stays) /* S6 G12 */
{
    ferry_pipe *ends[2];
    block();
    raise(SIGPIPE);
    open_pair(ends, 0, 0);
    ferry_pipe_close(ends[0]);
    CHECK_ERR(write_one(ends[1]), EPIPE);
    CHECK(is_pending());
    ferry_pipe_close(ends[1]);
}

/* ---- Asleep, and in the middle ---------------------------------------------------------------- */

struct asleep {
    ferry_pipe *ends[2];
    size_t count;
    bool kernel;
    int fds[2];
};

/* Without the reading end; the signal is counted, and kept from ending it. */
static void write_for_a_reader_that_goes(void *context)
{
    struct asleep *asleep = context;
    static char bytes[300000];
    signal(SIGPIPE, count_signal);
    ferry_pipe_close(asleep->ends[0]);
    close(asleep->fds[0]);
    ssize_t n = asleep->kernel
                    ? write(asleep->fds[1], bytes, asleep->count)
                    : ferry_pipe_write(asleep->ends[1], bytes, asleep->count, FERRY_FOREVER);
    if (n < 0 && asleep->kernel)
        n = -errno;
    ferry_pipe_close(asleep->ends[1]);
    close(asleep->fds[1]);
    _exit(n == -EPIPE ? 100 + atomic_load(&caught) : n == 65536 ? 200 + atomic_load(&caught) : 1);
}

/* Says how the write ended, and whether the signal came. */
static int end_of_sleeper(struct asleep asleep, bool kernel)
{
    asleep.kernel = kernel;
    open_pair(asleep.ends, 0, FERRY_SIGPIPE);
    CHECK_ERRNO(pipe2(asleep.fds, O_CLOEXEC));
    if (asleep.count == 1) {
        char *full = calloc(1, 65536);
        CHECK_EQ(write(asleep.fds[1], full, 65536), 65536);
        free(full);
        write_bytes(asleep.ends[1], 65536, 0);
    }
    pid_t pid = test_child(write_for_a_reader_that_goes, &asleep);
    test_sleeping(pid);
    close_pair(asleep.ends);
    close(asleep.fds[0]);
    close(asleep.fds[1]);
    int status = end_of(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(a_writer_asleep_for_room_gets_it_when_the_last_reader_goes) /* P8 X2 */
{
    struct asleep full = {.count = 1};
    CHECK_EQ(end_of_sleeper(full, true), 101);
    CHECK_EQ(end_of_sleeper(full, false), 101);
}

TEST(so_does_one_that_has_written_a_part) /* P8 P9, kernel rule */
{
    struct asleep part = {.count = 300000};
    CHECK_EQ(end_of_sleeper(part, true), 201);
    CHECK_EQ(end_of_sleeper(part, false), 201);
}

/* ---- Threads ---------------------------------------------------------------------------------- */

static void *write_and_look(void *context)
{
    ferry_pipe *pipe = context;
    block();
    CHECK_ERR(write_one(pipe), EPIPE);
    CHECK(is_pending());
    return NULL;
}

TEST(the_signal_is_the_writing_thread_s) /* P8 G16 */
{
    ferry_pipe *ends[2];
    pthread_t threads[4];
    signal(SIGPIPE, count_signal);
    open_pair(ends, 0, FERRY_SIGPIPE);
    ferry_pipe_close(ends[0]);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, write_and_look, ends[1]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(!is_pending());
    CHECK_EQ(atomic_load(&caught), 0);
    ferry_pipe_close(ends[1]);
}

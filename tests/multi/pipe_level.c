/* Descriptors of pipes show at each moment what a kernel FIFO's would, whoever does what with the pipe.
 *
 * Every step is done to both, and poll() is asked on each end.  The kernel gives room back by pages, so
 * all bytes go in by whole pages, as one packet each; taking part of one frees nothing there, and less
 * than a page does not count here: the two agree on when there is room. */
#include "pipes.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { PAGE = 4096, PAGES = 16, HANDLES = 4, STEPS = 3000 };

/* An end as Ferry has it and as the kernel has it. */
struct end {
    ferry_pipe *pipe;       /* NULL: closed */
    int kernel, descriptor; /* -1: it does not listen */
    bool writes;
};

struct world {
    struct end ends[HANDLES]; /* the first half reads */
    uint32_t random;
    int pages;        /* the capacity */
    uint64_t in, out; /* positions */
    const char *name; /* NULL: a pair's */
};

static struct end *some_end(struct world *world, bool writes)
{
    unsigned half = HANDLES / 2;
    for (unsigned i = 0, at = next_random(&world->random); i < half; i++) {
        struct end *end = &world->ends[(at + i) % half + (writes ? half : 0)];
        if (end->pipe != NULL)
            return end;
    }
    return NULL;
}

static unsigned below(struct world *world, unsigned limit)
{
    return next_random(&world->random) % limit;
}

/* ---- Comparing -------------------------------------------------------------------------------- */

/* The kernel's pages that are taken are those with bytes left in them. */
static int free_pages(const struct world *world)
{
    return world->pages - (int)((world->in + PAGE - 1) / PAGE - world->out / PAGE);
}

/* Room is nothing to who writes for nobody. */
static short ask(int fd)
{
    short said = poll_now(fd);
    return (said & POLLERR) != 0 ? POLLERR : said;
}

static void compare(struct world *world, unsigned step, const char *what)
{
    for (int i = 0; i < HANDLES; i++) {
        struct end *end = &world->ends[i];
        if (end->pipe == NULL || end->descriptor < 0)
            continue;
        short said = ask(end->descriptor), wanted = ask(end->kernel);
        if (said != wanted)
            test_fail(__FILE__, __LINE__,
                      "step %u, %s: end %d says %#x, the kernel's %#x; %llu bytes, %d pages free",
                      step, what, i, (unsigned)said, (unsigned)wanted,
                      (unsigned long long)(world->in - world->out), free_pages(world));
    }
}

/* ---- Steps ------------------------------------------------------------------------------------ */

static void kernel_reads(struct end *end, size_t count)
{
    char bytes[PAGE];
    while (count > 0) {
        size_t part = count < PAGE ? count : PAGE;
        ssize_t n = read(end->kernel, bytes, part);
        CHECK(n > 0);
        count -= (size_t)n;
    }
}

static void write_page(struct world *world)
{
    static char page[PAGE];
    struct end *end = some_end(world, true);
    if (end == NULL)
        return;
    put_bytes(page, PAGE, world->in);
    ssize_t kernel = write(end->kernel, page, PAGE);
    int error = kernel < 0 ? -errno : PAGE;
    ssize_t n;
    if (below(world, 2) == 0) {
        n = ferry_pipe_write(end->pipe, page, PAGE, FERRY_NOW);
    } else {
        void *room;
        n = ferry_pipe_reserve(end->pipe, &room, PAGE, FERRY_NOW);
        if (n >= 0) {
            memcpy(room, page, PAGE);
            CHECK_OK(ferry_pipe_commit(end->pipe, PAGE));
            n = PAGE;
        }
    }
    CHECK_EQ(n, error);
    world->in += n > 0 ? PAGE : 0;
}

static void fill(struct world *world)
{
    for (int i = 0; i <= world->pages; i++)
        write_page(world);
}

static void reserve_nothing(struct world *world)
{
    void *room;
    struct end *end = some_end(world, true);
    if (end != NULL && ferry_pipe_reserve(end->pipe, &room, 1, FERRY_NOW) > 0)
        CHECK_OK(ferry_pipe_commit(end->pipe, 0));
}

static void read_some(struct world *world, size_t most)
{
    static char bytes[PAGES * 4 * PAGE];
    struct end *end = some_end(world, false);
    if (end == NULL)
        return;
    ssize_t n = ferry_pipe_read(end->pipe, bytes, most, FERRY_NOW);
    if (n <= 0) {
        char byte;
        ssize_t kernel = read(end->kernel, &byte, 1);
        CHECK_EQ(n, kernel < 0 ? -errno : kernel);
        return;
    }
    check_bytes(bytes, (size_t)n, world->out);
    kernel_reads(end, (size_t)n);
    world->out += (uint64_t)n;
}

static void read_part(struct world *world)
{
    read_some(world, 1 + below(world, 3 * PAGE));
}

static void read_pages(struct world *world)
{
    read_some(world, (size_t)(PAGE - world->out % PAGE) + below(world, 3) * PAGE);
}

static void read_all(struct world *world)
{
    read_some(world, (size_t)PAGES * 4 * PAGE);
}

/* In place; maybe all, maybe nothing. */
static void consume_some(struct world *world)
{
    const void *bytes;
    struct end *end = some_end(world, false);
    if (end == NULL)
        return;
    ssize_t n = ferry_pipe_peek(end->pipe, &bytes, FERRY_NOW);
    if (n <= 0)
        return;
    CHECK((uint64_t)n <= world->in - world->out);
    check_bytes(bytes, (size_t)n, world->out);
    size_t count = below(world, (unsigned)n + 1);
    CHECK_OK(ferry_pipe_consume(end->pipe, count));
    kernel_reads(end, count);
    world->out += count;
}

/* The kernel keeps pages, so both are at the beginning of one.  And there is a reader, or nobody could tell
 * a writer of less room. */
static void resize(struct world *world)
{
    struct end *end = some_end(world, true);
    int pages = 1 << below(world, 7);
    if (end == NULL || some_end(world, false) == NULL || world->out % PAGE != 0)
        return;
    int r = ferry_pipe_set_capacity(end->pipe, (uint64_t)pages * PAGE);
    int kernel = fcntl(end->kernel, F_SETPIPE_SZ, pages * PAGE);
    CHECK_EQ(r, kernel < 0 ? -errno : 0);
    if (r == 0)
        world->pages = pages;
}

static void listen(struct world *world)
{
    struct end *end = some_end(world, below(world, 2) == 0);
    if (end != NULL)
        end->descriptor = descriptor_of(end->pipe);
}

static void close_end(struct end *end)
{
    if (end->pipe == NULL)
        return;
    end->pipe = ferry_pipe_close(end->pipe);
    CHECK_ERRNO(close(end->kernel));
    end->descriptor = -1;
}

/* Writers that had nobody to write for try again: until then, they need not know how full it is. */
static void try_all(struct world *world)
{
    void *room;
    for (int i = 0; i < HANDLES; i++)
        if (world->ends[i].writes && world->ends[i].pipe != NULL &&
            ferry_pipe_reserve(world->ends[i].pipe, &room, 1, FERRY_NOW) > 0)
            CHECK_OK(ferry_pipe_commit(world->ends[i].pipe, 0));
}

/* Opens one that was closed; a writer only where the kernel lets it. */
static void open_one(struct world *world, struct end *end)
{
    char path[600];
    unsigned flags = end->writes ? FERRY_WRITE : FERRY_READ;
    snprintf(path, sizeof(path), "%s/kernel", test_root());
    int kernel = open(path, (end->writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
    int r = ferry_pipe_open(&end->pipe, world->name,
                            FERRY_PIPE(.flags = flags, .patience_ns = FERRY_NO_WAIT));
    CHECK_EQ(r, kernel < 0 ? -ENXIO : 0);
    if (r < 0)
        return;
    end->kernel = kernel;
    end->descriptor = below(world, 2) == 0 ? descriptor_of(end->pipe) : -1;
    if (!end->writes)
        try_all(world);
}

static int count_open(const struct world *world)
{
    int count = 0;
    for (int i = 0; i < HANDLES; i++)
        count += world->ends[i].pipe != NULL;
    return count;
}

static void close_and_open(struct world *world)
{
    struct end *end = &world->ends[below(world, HANDLES)];
    if (world->name == NULL || below(world, 4) != 0)
        return;
    if (end->pipe == NULL)
        open_one(world, end);
    else if (count_open(world) > 1) /* the bytes are to stay */
        close_end(end);
}

/* ---- Walks ------------------------------------------------------------------------------------ */

static const struct step {
    const char *name;
    void (*run)(struct world *world);
} steps[] = {{"write", write_page},
             {"fill", fill},
             {"reserve nothing", reserve_nothing},
             {"read", read_part},
             {"read pages", read_pages},
             {"read all", read_all},
             {"consume", consume_some},
             {"resize", resize},
             {"listen", listen},
             {"close or open", close_and_open}};

static void walk(struct world *world, size_t kinds)
{
    for (unsigned i = 0; i < STEPS; i++) {
        const struct step *step = &steps[below(world, (unsigned)kinds)];
        step->run(world);
        compare(world, i, step->name);
    }
    for (int i = 0; i < HANDLES; i++) {
        close_end(&world->ends[i]);
        compare(world, STEPS, "closing");
    }
}

enum { NAMED = sizeof(steps) / sizeof(steps[0]), ANONYMOUS = NAMED - 1 };

static void walk_named(uint32_t seed)
{
    char path[600];
    struct world world = {.random = seed, .pages = PAGES, .name = "p"};
    snprintf(path, sizeof(path), "%s/kernel", test_root());
    CHECK_ERRNO(mkfifo(path, 0600));
    ferry_pipe *maker = open_pipe("p", FERRY_CREATE | FERRY_READ);
    for (int i = 0; i < HANDLES; i++) {
        world.ends[i] = (struct end){.kernel = -1, .descriptor = -1, .writes = i >= HANDLES / 2};
        open_one(&world, &world.ends[i]);
    }
    ferry_pipe_close(maker);
    walk(&world, NAMED);
    CHECK_ERRNO(unlink(path));
    CHECK_OK(ferry_remove("p"));
}

TEST(descriptors_of_a_named_pipe_say_what_a_fifo_s_say) /* G15 P5 P6 P7 P8 */
{
    signal(SIGPIPE, SIG_IGN);
    for (uint32_t seed = 1; seed <= 20; seed++)
        walk_named(seed);
}

static void walk_pair(uint32_t seed)
{
    struct world world = {.random = seed, .pages = PAGES};
    ferry_pipe *ends[2];
    int kernel[2];
    open_pair(ends, 0, 0);
    CHECK_ERRNO(pipe2(kernel, O_NONBLOCK | O_CLOEXEC));
    for (int i = 0; i < HANDLES; i++)
        world.ends[i] = (struct end){.kernel = -1, .descriptor = -1, .writes = i >= HANDLES / 2};
    for (int i = 0; i < 2; i++) {
        struct end *end = &world.ends[i * HANDLES / 2];
        end->pipe = ends[i];
        end->kernel = kernel[i];
        end->descriptor = below(&world, 2) == 0 ? descriptor_of(ends[i]) : -1;
    }
    walk(&world, ANONYMOUS);
}

TEST(descriptors_of_a_pair_say_what_a_pipe_s_say) /* G15 P5 P6 P7 P8 P11 */
{
    signal(SIGPIPE, SIG_IGN);
    for (uint32_t seed = 1; seed <= 20; seed++)
        walk_pair(seed);
}

/* ---- One at a time ---------------------------------------------------------------------------- */

TEST(a_handle_with_both_ends_polls_for_bytes)
{
    ferry_pipe *both = open_pipe("p", FERRY_CREATE);
    int fd = descriptor_of(both);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    CHECK_EQ(descriptor_of(both), fd);
    CHECK_EQ(poll_now(fd), 0);
    CHECK_EQ(ferry_pipe_write(both, "x", 1, FERRY_NOW), 1);
    CHECK_EQ(poll_now(fd), POLLIN);
    CHECK_OK(ferry_pipe_close_end(both, FERRY_READ));
    CHECK((poll_now(descriptor_of(both)) & POLLERR) != 0);
    ferry_pipe_close(both);
    CHECK_OK(ferry_remove("p"));
}

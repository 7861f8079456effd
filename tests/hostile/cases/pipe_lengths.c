/* Records whose lengths another member overwrites (contract G9): these lie among the data, where any
 * writer may put anything at any time. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "test.h"

enum { CAPACITY = 8192, BYTES = 100, ROUNDS = 200000, PAGE = 4096 };

static const uint32_t lengths[] = {BYTES,        0,          BYTES + 1,      CAPACITY - 4, CAPACITY,
                                   2 * CAPACITY, UINT32_MAX, UINT32_MAX - 3, 1u << 31,     4096};

enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

/* A buffer that ends where the memory ends. */
static unsigned char *guarded(size_t count)
{
    unsigned char *memory =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_ERRNO(mprotect(memory + PAGE, PAGE, PROT_NONE));
    return memory + PAGE - count;
}

/* Puts one record in, and says where its length is: the room stays mapped. */
static volatile uint32_t *put_record(ferry_pipe *writing)
{
    void *room;
    CHECK_OK(ferry_pipe_reserve(writing, &room, BYTES, FERRY_NOW));
    memset(room, 'r', BYTES);
    CHECK_OK(ferry_pipe_commit(writing, BYTES));
    return (volatile uint32_t *)(void *)((char *)room - sizeof(uint32_t));
}

static void make(ferry_pipe *ends[2])
{
    CHECK_OK(ferry_pipe_pair(ends, FERRY_PIPE(.flags = FERRY_RECORDS, .capacity = CAPACITY)));
}

static void drop(ferry_pipe *ends[2])
{
    ferry_pipe_close(ends[0]);
    ferry_pipe_close(ends[1]);
}

TEST(a_length_that_cannot_be_is_refused_and_the_rest_stays) /* G9 P15 */
{
    ferry_pipe *ends[2];
    unsigned char *buffer = guarded(BYTES);
    const void *bytes;
    make(ends);
    volatile uint32_t *length = put_record(ends[1]);
    for (unsigned i = 0; i < LENGTHS; i++) {
        *length = lengths[i];
        if (lengths[i] > 0 && lengths[i] <= BYTES)
            continue;
        CHECK_ERR(ferry_pipe_read(ends[0], buffer, BYTES, FERRY_NOW), EBADMSG);
        CHECK_ERR(ferry_pipe_peek(ends[0], &bytes, FERRY_NOW), EBADMSG);
        CHECK_CONTAINS(ferry_explain(), "nonsense");
    }
    *length = BYTES;
    CHECK_EQ(ferry_pipe_read(ends[0], buffer, BYTES, FERRY_NOW), BYTES);
    drop(ends);
}

static void flip(volatile uint32_t *length)
{
    for (unsigned i = 0;; i++) {
        *length = BYTES;
        *length = lengths[i % LENGTHS];
    }
}

/* Whatever the length was when it was read, the buffer is as large as it was said to be. */
TEST(a_length_that_changes_while_it_is_read_is_read_once) /* G9 P15 */
{
    ferry_pipe *ends[2];
    unsigned char *buffer = guarded(BYTES);
    make(ends);
    volatile uint32_t *length = put_record(ends[1]);
    pid_t attacker = fork();
    CHECK_ERRNO(attacker);
    if (attacker == 0)
        flip(length);
    for (int i = 0; i < ROUNDS; i++) {
        ssize_t n = ferry_pipe_read(ends[0], buffer + 1, BYTES - 1, FERRY_NOW);
        CHECK(n == -EBADMSG || n == -EMSGSIZE);
    }
    test_kill(attacker);
    drop(ends);
}

TEST(and_what_is_peeked_is_within_the_pipe) /* G9 P14 P15 */
{
    ferry_pipe *ends[2];
    static volatile unsigned char sum;
    make(ends);
    volatile uint32_t *length = put_record(ends[1]);
    pid_t attacker = fork();
    CHECK_ERRNO(attacker);
    if (attacker == 0)
        flip(length);
    for (int i = 0; i < ROUNDS; i++) {
        const void *bytes;
        ssize_t n = ferry_pipe_peek(ends[0], &bytes, FERRY_NOW);
        CHECK(n == -EBADMSG || n == BYTES);
        if (n < 0)
            continue;
        sum = (unsigned char)(sum + ((const unsigned char *)bytes)[n - 1]);
        CHECK_OK(ferry_pipe_consume(ends[0], 0));
    }
    test_kill(attacker);
    drop(ends);
}

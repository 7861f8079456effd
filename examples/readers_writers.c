/* Readers and writers: who reads does so beside other readers, who writes is alone.
 *
 *     readers_writers
 *
 * Two writers change a pair of numbers, one after the other; four readers never see one without the other.
 *
 * On the command line: ferry lock --shared pair -- cat pair & ferry lock pair -- ./change pair */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { WRITERS = 2, READERS = 4, ROUNDS = 2000 };

struct pair {
    volatile uint64_t first, second;
};

static int complain(const char *what)
{
    fprintf(stderr, "readers_writers: %s: %s\n", what, ferry_explain());
    return 1;
}

static int write_pairs(ferry_rwlock *lock, struct pair *pair)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (ferry_rwlock_lock(lock, FERRY_FOREVER) < 0)
            return complain("cannot write");
        pair->first++;
        pair->second++;
        ferry_rwlock_unlock(lock);
    }
    return 0;
}

static int read_pairs(ferry_rwlock *lock, const struct pair *pair)
{
    bool whole = true;
    for (int i = 0; i < ROUNDS; i++) {
        if (ferry_rwlock_lock_shared(lock, FERRY_FOREVER) < 0)
            return complain("cannot read");
        whole = whole && pair->first == pair->second;
        ferry_rwlock_unlock_shared(lock);
    }
    return whole ? 0 : 2;
}

int main(void)
{
    ferry_segment *segment;
    ferry_rwlock *lock;
    if (ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.size_bytes = sizeof(struct pair))) < 0 ||
        ferry_rwlock_open(&lock, NULL, NULL) < 0)
        return complain("cannot begin");
    struct pair *pair = ferry_segment_data(segment);
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            return write_pairs(lock, pair);
    for (int i = 0; i < READERS; i++)
        if (fork() == 0)
            return read_pairs(lock, pair);
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    printf("written %llu times, and %s\n", (unsigned long long)pair->first,
           failed ? "read in halves" : "always read whole");
    ferry_rwlock_close(lock);
    ferry_segment_close(segment);
    return failed != 0;
}

/* The cinema: twenty sellers, a hundred seats.  What comes of counting them with a bare count--, and with semaphores.
 *
 *     semaphore_cinema
 *
 * count-- is three steps: read, take away one, write.  Who reads before another one has written sells the same seat once
 * more.  A semaphore with a unit for each seat never has one too many; and one with a single unit, taken before the count
 * and given back behind it, makes the three steps one.
 *
 * On the command line: ferry new semaphore seats --value 100; ferry wait seats --timeout 0 && echo sold; ferry show seats */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { SELLERS = 20, SEATS = 100 };

/* In a segment. */
struct cinema {
    volatile int count; /* of free seats */
    atomic_int tickets; /* sold */
};

static struct cinema *cinema;
static ferry_semaphore *seats, *door, *read_now, *have_read, *write_now, *have_written;

static int complain(const char *what)
{
    fprintf(stderr, "semaphore_cinema: %s: %s\n", what, ferry_explain());
    return 1;
}

static void take(ferry_semaphore *semaphore)
{
    if (ferry_semaphore_wait(semaphore, FERRY_FOREVER) < 0)
        _exit(complain("cannot wait"));
}

static void give(ferry_semaphore *semaphore)
{
    if (ferry_semaphore_post(semaphore) < 0)
        _exit(complain("cannot post"));
}

/* ---- Sellers, each in a process of its own -------------------------------------------------------- */

/* Reads when all do, and writes when all do. */
static void sell_by_turns(void)
{
    for (int count = SEATS; count > 1;) {
        take(read_now);
        count = cinema->count;
        give(have_read);
        take(write_now);
        cinema->tickets++;
        cinema->count = count - 1;
        give(have_written);
    }
}

/* Somebody else may come in between: how often is chance. */
static void sell_as_it_comes(void)
{
    int count;
    while ((count = cinema->count) > 0) {
        sched_yield();
        cinema->tickets++;
        cinema->count = count - 1;
    }
}

static void sell_units(void)
{
    while (ferry_semaphore_wait(seats, FERRY_NOW) == 0)
        cinema->tickets++;
}

static void sell_one_at_a_time(void)
{
    for (int count = SEATS; count > 0;) {
        take(door);
        count = cinema->count;
        sched_yield();
        if (count > 0) {
            cinema->tickets++;
            cinema->count = count - 1;
        }
        give(door);
    }
}

static void sell_what_is_given_back(void)
{
    take(seats);
    cinema->tickets++;
}

/* ---- The cinema --------------------------------------------------------------------------------- */

static void open_for(void (*sell)(void))
{
    cinema->count = SEATS;
    cinema->tickets = 0;
    for (int i = 0; i < SELLERS; i++)
        if (fork() == 0) {
            sell();
            _exit(0);
        }
}

static void direct(void)
{
    for (int turn = 0; turn < SEATS; turn++) {
        for (int i = 0; i < SELLERS; i++)
            give(read_now);
        for (int i = 0; i < SELLERS; i++)
            take(have_read);
        for (int i = 0; i < SELLERS; i++)
            give(write_now);
        for (int i = 0; i < SELLERS; i++)
            take(have_written);
    }
}

static void close_and_count(const char *how)
{
    while (wait(NULL) > 0)
        continue;
    printf("%s: %d tickets for %d seats\n", how, cinema->tickets, SEATS);
    fflush(stdout);
}

static uint32_t how_many_wait(void)
{
    uint32_t count = 0;
    ferry_semaphore_waiters(seats, &count);
    return count;
}

/* Sold out: who wants a seat sleeps until one is given back. */
static void wait_for_seats(void)
{
    open_for(sell_what_is_given_back);
    while (how_many_wait() < SELLERS)
        usleep(1000);
    printf("sold out: %u wait for a seat", how_many_wait());
    for (int i = 0; i < SELLERS; i++)
        give(seats);
    while (wait(NULL) > 0)
        continue;
    printf("; when as many are given back, %d get one\n", cinema->tickets);
}

static int make(ferry_semaphore **ret_semaphore, uint32_t value)
{
    return ferry_semaphore_open(ret_semaphore, NULL, FERRY_SEMAPHORE(.value = value));
}

int main(void)
{
    ferry_segment *segment;
    if (ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.size_bytes = sizeof(*cinema))) < 0)
        return complain("cannot make a segment");
    if (make(&seats, SEATS) < 0 || make(&door, 1) < 0 || make(&read_now, 0) < 0 ||
        make(&have_read, 0) < 0 || make(&write_now, 0) < 0 || make(&have_written, 0) < 0)
        return complain("cannot make a semaphore");
    cinema = ferry_segment_data(segment);

    open_for(sell_by_turns);
    direct();
    close_and_count("bare count--, all read before one writes");
    open_for(sell_as_it_comes);
    close_and_count("bare count--, as it comes");
    open_for(sell_units);
    close_and_count("a unit for each seat");
    open_for(sell_one_at_a_time);
    close_and_count("count--, one seller at a time");
    wait_for_seats();
    return 0;
}

/* Five philosophers at a table, with a fork between each two, who need both of theirs to eat.
 *
 *     philosophers            each takes the fork with the lower number first: all eat
 *     philosophers --stuck    each takes the left one first, all at once: nobody eats, until one is killed
 *
 * While they are stuck, `ferry doctor` names who waits for whom, in a circle.  When one is killed, its neighbour gets the fork
 * that it had, is told so, and all the others eat.
 *
 * On the command line: ferry lock left -- ferry lock right -- echo eats */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { PHILOSOPHERS = 5, MEALS = 100 };

static int complain(const char *what)
{
    fprintf(stderr, "philosophers: %s: %s\n", what, ferry_explain());
    return 1;
}

/* A fork that a dead neighbour had is as good as any. */
static int pick_up(ferry_mutex *mutex)
{
    int r = ferry_mutex_lock(mutex, FERRY_FOREVER);
    return r == -EOWNERDEAD ? ferry_mutex_repaired(mutex) : r;
}

static int eat(ferry_mutex *first, ferry_mutex *second, ferry_barrier *all_have_one)
{
    int r = pick_up(first);
    if (r == 0 && all_have_one != NULL)
        r = ferry_barrier_wait(all_have_one, FERRY_FOREVER);
    if (r >= 0)
        r = pick_up(second);
    if (r < 0)
        return r;
    ferry_mutex_unlock(second);
    return ferry_mutex_unlock(first);
}

/* In a child. */
static int dine(ferry_mutex **forks, int seat, ferry_barrier *all_have_one)
{
    int left = seat, right = (seat + 1) % PHILOSOPHERS;
    bool ordered = all_have_one == NULL && left > right;
    int meals = all_have_one == NULL ? MEALS : 1;
    for (int i = 0; i < meals; i++)
        if (eat(forks[ordered ? right : left], forks[ordered ? left : right], all_have_one) < 0)
            return complain("no meal");
    return 0;
}

static int lay_table(ferry_mutex **forks)
{
    for (int i = 0; i < PHILOSOPHERS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "fork%d", i);
        if (ferry_mutex_open(&forks[i], name,
                             FERRY_MUTEX(.flags = FERRY_CREATE | FERRY_TEMPORARY)) < 0)
            return complain(name);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool stuck = argc > 1 && strcmp(argv[1], "--stuck") == 0;
    ferry_mutex *forks[PHILOSOPHERS];
    ferry_barrier *all_have_one = NULL;
    int status, sated = 0;
    if (lay_table(forks) != 0)
        return 1;
    if (stuck && ferry_barrier_open(&all_have_one, NULL, FERRY_BARRIER(.count = PHILOSOPHERS)) < 0)
        return complain("no barrier");
    for (int i = 0; i < PHILOSOPHERS; i++)
        if (fork() == 0)
            return dine(forks, i, all_have_one);
    while (wait(&status) > 0)
        sated += status == 0;
    printf("%d of %d philosophers have eaten\n", sated, PHILOSOPHERS);
    for (int i = 0; i < PHILOSOPHERS; i++)
        ferry_mutex_close(forks[i]);
    ferry_barrier_close(all_have_one);
    return sated == PHILOSOPHERS || stuck ? 0 : 1;
}

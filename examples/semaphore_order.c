/* A semaphore that begins with 0 orders: who waits comes behind who posts, whichever of them was first there.
 *
 *     semaphore_order
 *
 * Three processes are started, the last one first; each works when the one before it has.
 *
 * On the command line: ferry new semaphore ready; ferry wait ready && echo second & echo first; ferry post ready */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { STEPS = 3 };

static int complain(const char *what)
{
    fprintf(stderr, "semaphore_order: %s: %s\n", what, ferry_explain());
    return 1;
}

/* In a child. */
static int work(int step, ferry_semaphore *before, ferry_semaphore *after)
{
    if (before != NULL && ferry_semaphore_wait(before, FERRY_FOREVER) < 0)
        return complain("cannot wait");
    printf("step %d is done\n", step);
    fflush(stdout); /* before the next one may print */
    return after != NULL && ferry_semaphore_post(after) < 0 ? complain("cannot post") : 0;
}

static uint32_t how_many_wait(ferry_semaphore *semaphore)
{
    uint32_t count = 0;
    ferry_semaphore_waiters(semaphore, &count);
    return count;
}

int main(void)
{
    ferry_semaphore *done[STEPS - 1]; /* done[i]: step i + 1 is */
    int status, failed = 0;
    for (int i = 0; i < STEPS - 1; i++)
        if (ferry_semaphore_open(&done[i], NULL, NULL) < 0)
            return complain("cannot make a semaphore");
    for (int step = STEPS; step > 0; step--) {
        ferry_semaphore *before = step > 1 ? done[step - 2] : NULL;
        if (fork() == 0)
            return work(step, before, step < STEPS ? done[step - 1] : NULL);
        if (before == NULL)
            continue;
        while (how_many_wait(before) == 0)
            usleep(1000);
        printf("step %d waits for step %d\n", step, step - 1);
        fflush(stdout);
    }
    while (wait(&status) > 0)
        failed |= status;
    for (int i = 0; i < STEPS - 1; i++)
        ferry_semaphore_close(done[i]);
    return failed != 0;
}

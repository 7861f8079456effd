/* See process.h.  The page is the process's own, so nobody's death matters. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "os/process.h"

/* Where the page cannot be had (no MADV_WIPEONFORK under some emulators), everybody is known. */
static _Atomic uint32_t always_known = 1;
static _Atomic uint32_t *known = &always_known;

static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
static bool watching;
static uint32_t number = 1; /* of this process, or of the last one in its line that was known */

static void make_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, size, MADV_WIPEONFORK) < 0) {
        munmap(page, size);
        return;
    }
    known = page;
    process_set_known();
}

int process_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    pthread_mutex_lock(&once);
    int r = 0;
    if (!watching) {
        r = pthread_atfork(before, in_parent, in_child);
        watching = r == 0;
        if (watching)
            make_page();
    }
    pthread_mutex_unlock(&once);
    return r == 0 ? 0 : fail_errno(-r, "fork could not be watched");
}

uint32_t process_number(void)
{
    /* Relaxed: written before any handle exists, and by fork's own child before it goes on. */
    return atomic_load_explicit(known, memory_order_relaxed);
}

void process_begin(void)
{
    pthread_mutex_lock(&once);
    if (process_number() == 0) {
        number++;
        process_set_known();
    }
    pthread_mutex_unlock(&once);
}

void process_set_known(void)
{
    atomic_store_explicit(known, number, memory_order_relaxed);
}

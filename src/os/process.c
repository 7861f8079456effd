/* See process.h.  The page is the process's own, so nobody's death matters.  It is made as the
 * library is loaded, when there is no other thread yet that could fork meanwhile. */
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/process.h"

/* Where the page cannot be had (no MADV_WIPEONFORK under some emulators), everybody is known. */
static _Atomic uint32_t always_known = 1;
_Atomic uint32_t *process_known = &always_known;
_Atomic uint64_t *process_namespace;

static _Atomic uint32_t number = 1; /* of this process, or of the last in its line that was known */

__attribute__((constructor)) static void make_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, size, MADV_WIPEONFORK) < 0) {
        munmap(page, size);
        return;
    }
    process_known = page;
    process_namespace = (_Atomic uint64_t *)page + 1;
    process_after_fork();
}

uint32_t process_begin(void)
{
    uint32_t unknown = 0;
    uint32_t next = atomic_load_explicit(&number, memory_order_relaxed) + 1;
    /* Threads that race here agree on the number, and one of them sets it. */
    if (process_number() == 0 &&
        atomic_compare_exchange_strong_explicit(process_known, &unknown, next, memory_order_relaxed,
                                                memory_order_relaxed))
        atomic_store_explicit(&number, next, memory_order_relaxed);
    return process_number();
}

void process_after_fork(void)
{
    atomic_store_explicit(process_known, atomic_load_explicit(&number, memory_order_relaxed),
                          memory_order_relaxed);
}

/* Layout version 1, frozen: every byte of what semaphores have in place of a pipe's stream, as FROZEN(field, offset, width).
 * As with layout.h, this list never changes again. */
FROZEN(semaphore.most, 1920, 4)
FROZEN(semaphore.count, 1924, 4)
FROZEN(semaphore.reserved1, 1928, 56)
FROZEN(semaphore.word, 1984, 4)
FROZEN(semaphore.lock.word, 1988, 4)
FROZEN(semaphore.lonely, 1992, 4)
FROZEN(semaphore.reserved2, 1996, 4)
FROZEN(semaphore.sleeps, 2000, 8)
FROZEN(semaphore.reserved3, 2008, 40)
FROZEN(semaphore.reserved4, 2048, 512)

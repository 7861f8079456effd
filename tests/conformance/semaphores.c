/* What is the same for all semaphores. */
#include "semaphores.h"

#include <stdio.h>

struct semaphore semaphore_make(const struct semaphore_back_end *back_end, uint32_t count,
                                uint32_t value)
{
    static unsigned made;
    struct semaphore semaphore = {.back_end = back_end, .id = -1, .count = count};
    snprintf(semaphore.name, sizeof semaphore.name, "semaphore-%d-%u", (int)getpid(), made++);
    back_end->make(&semaphore, value);
    return semaphore;
}

struct semaphore semaphore_open(const struct semaphore *made)
{
    struct semaphore semaphore = *made;
    semaphore.back_end->open(&semaphore);
    return semaphore;
}

void semaphore_close(struct semaphore *semaphore)
{
    semaphore->back_end->close(semaphore);
}

void semaphore_destroy(struct semaphore *semaphore)
{
    semaphore->back_end->close(semaphore);
    semaphore->back_end->remove(semaphore);
}

void semaphore_expect(const char *file, int line, struct semaphore *semaphore,
                      const uint32_t *values, size_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = semaphore->back_end->value(semaphore, i);
        if (value != values[i])
            test_fail(file, line, "semaphore %u has %u units, not %u", i, value, values[i]);
    }
}

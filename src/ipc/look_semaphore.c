/* Looking at a semaphore: see look.h.  Of a set, its part of the control file is read at once, and what its journal has committed is
 * finished in the copy, so that the values agree. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "ipc/look.h"
#include "os/file.h"
#include "shared/board.h"
#include "shared/semaphore.h"
#include "shared/semaphore_set.h"

static void free_index(struct set_index **index)
{
    free(*index);
}

static void describe_set(struct look *look, uint32_t count)
{
    struct ferry_object *object = &look->object;
    CLEANUP(free_index) struct set_index *index = malloc(sizeof(*index));
    if (index == NULL || file_read_at(look->fd, index, sizeof(*index), sizeof(struct layout)) < 0)
        return;
    const struct journal_book book = semaphore_set_book(index, 0);
    journal_finish(&book);
    object->set_count = count;
    for (uint32_t i = 0; i < count; i++)
        object->set_values[i] = (uint32_t)RELAXED(index->values[i]);
    object->value = object->set_values[0];
}

void look_at_semaphore(struct look *look)
{
    struct ferry_object *object = &look->object;
    const struct layout_semaphore *semaphore = &look->control->semaphore;
    uint32_t count = RELAXED(semaphore->count);
    object->most_value = RELAXED(semaphore->most);
    object->value = semaphore_units(RELAXED(semaphore->word));
    object->wait_count = RELAXED(semaphore->sleeps);
    for (uint32_t slot = 0; slot < look->high; slot++)
        object->sleeper_count +=
            board_has(&look->control->sleepers, slot) && look_is_alive(look, slot);
    if (count > 0 && count <= SET_MOST)
        describe_set(look, count);
}

/* Fuzz target: operations on a segment whose control memory a peer overwrites between them.
 *
 * An input is a sequence of: the operation; how many patches come before it; the patches.  A patch is
 * either a word that the layout names and one of the harness's values for it, or any offset and any
 * value.  The memory is put right after each input. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostile/cases/common.h"
#include "hostile/words.h"
#include "shared/slots.h"
#include "support.h"

enum { STEPS_MOST = 12, PATCHES_MOST = 8, OPERATIONS_MOST = 32 };

static struct world world, peer;
static struct layout *control;
static char image[WORDS_IMAGE_BYTES];
static struct words words;
static const struct hostile_operation *operations[OPERATIONS_MOST];
static size_t operation_count;

/* Those that are quick, and need no other process. */
static void collect(const struct hostile_operation *list)
{
    for (; list->name; list++)
        if (!list->dear && !list->endless && operation_count < OPERATIONS_MOST)
            operations[operation_count++] = list;
}

static void begin(void)
{
    char path[4096];
    fuzz_root();
    world_make(&peer);
    CHECK_OK(ferry_segment_open(&world.segment, NAME, NULL));
    world.parcel = -1;
    snprintf(path, sizeof(path), "%s/ferry.%s", fuzz_root(), NAME);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(control != MAP_FAILED);
    close(fd);
    memcpy(image, control, sizeof(image));
    words_list(&words, FERRY_KIND_SEGMENT);
    collect(lock_operations);
    collect(notice_operations);
    collect(member_operations);
    collect(look_operations);
}

static void patch(struct input *input)
{
    uint64_t values[WORDS_VALUES_MOST];
    uint64_t manner = input_take(input, 1);
    if (manner < 192) {
        struct word word = words.list[input_take(input, 1) % words.named];
        size_t count = words_values(control, image, word, values);
        words_store(control, word, values[input_take(input, 1) % count]);
    } else {
        uint32_t width = manner % 2 == 0 ? 4 : 8;
        uint32_t offset = (uint32_t)input_take(input, 2) % (WORDS_IMAGE_BYTES / width) * width;
        words_store(control, (struct word){offset, width}, input_take(input, width));
    }
}

/* A living holder of the books would be waited for, for two seconds each time; that is promised, and
 * tried elsewhere. */
static void defuse(void)
{
    uint32_t slot = slot_of_tag(atomic_load(&control->lock.word) & TAG_MASK);
    if (slot <= WORDS_NEXT)
        atomic_store(&control->lock.word, 0);
}

static void step(struct input *input)
{
    const struct hostile_operation *operation = operations[input_take(input, 1) % operation_count];
    uint64_t patches = input_take(input, 1) % PATCHES_MOST;
    int r = operation->prepare ? operation->prepare(&world) : 0;
    for (uint64_t i = 0; i < patches; i++)
        patch(input);
    defuse();
    if (r >= 0)
        operation->run(&world);
    defuse();
    if (operation->finish)
        operation->finish(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    if (control == NULL)
        begin();
    for (int i = 0; i < STEPS_MOST && input.left > 0; i++)
        step(&input);
    memcpy(control, image, sizeof(image));
    fuzz_check_descriptors();
    return 0;
}

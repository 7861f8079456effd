/* The victim: tries operations on damaged memory, and says what it is about to do before it does
 * it, so that whoever finds it dead or stuck knows where. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "run.h"
#include "test.h"

/* There under AddressSanitizer; prints what leaked to standard error. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

/* For a sample of what is not tried completely. */
static const int64_t BUDGET_NS = 80000000;

/* Descriptors that a handle keeps once it has slept: a latch, and a watch for closes. */
enum { KEPT_DESCRIPTORS = 2 };

static _Noreturn void complain(struct run *run, const char *what)
{
    snprintf(run->progress->complaint, sizeof(run->progress->complaint), "%s", what);
    _exit(EXIT_FAILURE);
}

static int lowest_free_descriptor(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    close(fd);
    return fd;
}

static int count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int count = 0;
    char line[1024];
    while (maps && fgets(line, sizeof(line), maps))
        count += strstr(line, "/ferry.") != NULL || strstr(line, "/memfd:ferry") != NULL;
    if (maps)
        fclose(maps);
    return count;
}

/* ---- One trial ------------------------------------------------------------------------------- */

static void begin_phase(struct progress *progress, enum phase phase)
{
    atomic_store(&progress->phase_ns, run_now_ns());
    atomic_store(&progress->phase, phase);
}

/* The peer may be in the middle of a rescue; it is done in a moment. */
static void end_run(struct progress *progress)
{
    uint32_t expected = PHASE_RUN;
    while (!atomic_compare_exchange_strong(&progress->phase, &expected, PHASE_FINISH)) {
        expected = PHASE_RUN;
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    atomic_store(&progress->phase_ns, run_now_ns());
    atomic_store(&progress->peace, 0);
}

/* The operation itself, on whatever is in the memory. */
static void operate(struct run *run, const struct hostile_operation *operation)
{
    struct progress *progress = run->progress;
    uint32_t rescues = atomic_load(&progress->rescues);
    begin_phase(progress, PHASE_RUN);
    int64_t before = atomic_load(&progress->phase_ns);
    int r = operation->run(run->world);
    end_run(progress);
    int64_t took = atomic_load(&progress->phase_ns) - before;
    if (rescues == atomic_load(&progress->rescues) && !operation->endless &&
        took > progress->longest_ns)
        progress->longest_ns = took;
    progress->trials++;
    if (r >= 0)
        return;
    progress->errors++;
    if (r < -4095 || ferry_explain()[0] == '\0')
        complain(run, "it returned an error without an explanation, or none that there is");
}

static void check_descriptors(struct run *run, int before)
{
    if (lowest_free_descriptor() > before + KEPT_DESCRIPTORS)
        complain(run, "it left descriptors open");
}

static void finish(struct run *run, const struct hostile_operation *operation)
{
    if (operation->finish)
        operation->finish(run->world);
}

static bool is_wanted(const struct run *run, const struct hostile_operation *operation,
                      unsigned background, struct word word, uint64_t value)
{
    if (run->only == NULL)
        return true;
    char here[256];
    snprintf(here, sizeof(here), "%s,%s,0x%x,%u,0x%llx", operation->name,
             words_background_name(background), word.offset, word.width, (unsigned long long)value);
    return strcmp(here, run->only) == 0;
}

static void try_one(struct run *run, const struct hostile_operation *operation, unsigned background,
                    struct word word, uint64_t value)
{
    struct progress *progress = run->progress;
    char before[WORDS_IMAGE_BYTES];
    uint64_t random = run->seed;
    memcpy(before, run->control, sizeof(before));
    begin_phase(progress, PHASE_PREPARE);
    if (operation->prepare && operation->prepare(run->world) < 0)
        complain(run, "it could not be prepared, in memory that was whole");
    memcpy(progress->image, run->control, sizeof(progress->image));
    atomic_store(&progress->offset, word.offset);
    atomic_store(&progress->width, word.width);
    atomic_store(&progress->value, value);
    words_background(background, run->control, &random);
    words_store(run->control, word, value);
    operate(run, operation);
    run_restore(run, progress->image);
    finish(run, operation);
    run_restore(run, before);
}

/* ---- All of them ----------------------------------------------------------------------------- */

struct tour {
    const struct hostile_operation *operation;
    unsigned background;
    int64_t end_ns;
    uint64_t random;
    int descriptors;
};

static void try_value(struct run *run, struct tour *tour, struct word word, uint64_t value)
{
    if (!is_wanted(run, tour->operation, tour->background, word, value))
        return;
    try_one(run, tour->operation, tour->background, word, value);
    check_descriptors(run, tour->descriptors);
}

static void try_word(struct run *run, struct tour *tour, struct word word)
{
    uint64_t values[WORDS_VALUES_MOST];
    size_t count = words_values(run->control, run->progress->older, word, values);
    for (size_t i = 0; i < count; i++)
        try_value(run, tour, word, values[i]);
}

/* Any value in any word, of the first so many, until the time is up. */
static void try_some(struct run *run, struct tour *tour, size_t among)
{
    tour->end_ns = run_now_ns() + BUDGET_NS;
    while (run_now_ns() < tour->end_ns) {
        uint64_t values[WORDS_VALUES_MOST];
        struct word word = run->words->list[words_random(&tour->random) % among];
        size_t count = words_values(run->control, run->progress->older, word, values);
        try_value(run, tour, word, values[words_random(&tour->random) % count]);
    }
}

/* All values in all words that the layout names, and a sample of the rest; where that takes long, a
 * sample of both. */
static void try_words(struct run *run, struct tour *tour)
{
    const struct words *words = run->words;
    bool all = test_thorough() || run->only != NULL;
    size_t certain = all ? words->count : words->named;
    if (!all && (tour->operation->dear || tour->background != 0))
        certain = 0;
    for (size_t i = 0; i < certain; i++)
        try_word(run, tour, words->list[i]);
    if (certain == 0)
        try_some(run, tour, words->named);
    if (!all)
        try_some(run, tour, words->count);
}

void victim_try_all(struct run *run, const struct hostile_operation *operation, unsigned background)
{
    struct tour tour = {.operation = operation,
                        .background = background,
                        .random = run->seed,
                        .descriptors = lowest_free_descriptor()};
    int mappings = count_mappings();
    try_words(run, &tour);
    if (count_mappings() > mappings)
        complain(run, "it left memory mapped");
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        complain(run, "it lost memory (see standard error)");
    _exit(EXIT_SUCCESS);
}

/* ---- Racing ---------------------------------------------------------------------------------- */

/* Of those that may last for ever, one in so many is tried: they have to be rescued. */
enum { ENDLESS_SAMPLE = 16 };

static const struct hostile_operation *choose(struct run *run, uint64_t *random)
{
    const struct hostile_operation *operations = run->hostile_case->operations;
    uint32_t count = 0;
    while (operations[count].name)
        count++;
    uint32_t choice;
    do
        choice = (uint32_t)(words_random(random) % count);
    while (operations[choice].endless && words_random(random) % ENDLESS_SAMPLE != 0);
    atomic_store(&run->progress->operation, choice);
    return &operations[choice];
}

void victim_race(struct run *run)
{
    uint64_t random = run->seed;
    int descriptors = lowest_free_descriptor();
    memcpy(run->progress->image, run->control, sizeof(run->progress->image));
    atomic_store(&run->progress->ready, 1);
    while (!atomic_load(&run->progress->stop)) {
        const struct hostile_operation *operation = choose(run, &random);
        /* Under attack as well, so that it is like the operation itself. */
        begin_phase(run->progress, PHASE_RUN);
        int r = operation->prepare ? operation->prepare(run->world) : 0;
        end_run(run->progress);
        if (r >= 0)
            operate(run, operation);
        begin_phase(run->progress, PHASE_RUN);
        finish(run, operation);
        end_run(run->progress);
        check_descriptors(run, descriptors);
    }
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        complain(run, "it lost memory (see standard error)");
    _exit(EXIT_SUCCESS);
}

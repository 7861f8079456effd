/* See harness.h.  The peer's side: it makes the object, forks victim and attacker, and watches. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "test.h"

static const int64_t MILLISECOND = 1000000;

/* How often to look; when to rescue whom that is promised to; what is a hang.  Who comes to look so late has not been let
 * run by the machine, and neither has the victim, maybe. */
enum { LOOK_MS = 1, RESCUE_MS = 3, HANG_MS = 2000, LATE_MS = 50 };

/* Rounds of a race, each with a new object, and how long one is. */
enum { ROUNDS = 7, ROUNDS_THOROUGH = 400, ROUND_MS = 150 };

int64_t run_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void run_restore(struct run *run, const char *image)
{
    /* What lies behind the image is put right word by word: it is zero in a fresh object. */
    struct word word = {atomic_load(&run->progress->offset), atomic_load(&run->progress->width)};
    if (word.width != 0 && word.offset >= WORDS_IMAGE_BYTES)
        words_store(run->control, word, 0);
    for (uint32_t at = 0; at < WORDS_IMAGE_BYTES; at += 8) {
        struct word each = {at, 8};
        uint64_t value = words_load(image, each);
        if (words_load(run->control, each) != value)
            words_store(run->control, each, value);
    }
}

/* ---- Failing --------------------------------------------------------------------------------- */

static const struct hostile_operation *current(const struct run *run)
{
    return &run->hostile_case->operations[atomic_load(&run->progress->operation)];
}

static void fail_run(struct run *run, const char *what)
{
    struct progress *progress = run->progress;
    struct word word = {atomic_load(&progress->offset), atomic_load(&progress->width)};
    const char *operation = current(run)->name;
    const char *background = words_background_name(atomic_load(&progress->background));
    unsigned long long value = atomic_load(&progress->value);
    char field[64];
    words_describe(word, field, sizeof(field));
    if (run->racing)
        snprintf(run->failure, sizeof(run->failure),
                 "%s: %s: %s, while 0x%x (%s) was being overwritten; again with "
                 "FERRY_HOSTILE_SEED=%llu",
                 run->hostile_case->name, operation, what, word.offset, field,
                 (unsigned long long)run->seed);
    else
        snprintf(run->failure, sizeof(run->failure),
                 "%s: %s: %s, with 0x%llx at 0x%x (%s), background %s; again with "
                 "FERRY_HOSTILE_SEED=%llu FERRY_HOSTILE_AT=%s,%s,0x%x,%u,0x%llx",
                 run->hostile_case->name, operation, what, value, word.offset, field, background,
                 (unsigned long long)run->seed, operation, background, word.offset, word.width,
                 value);
}

static void judge_end(struct run *run, int status)
{
    char what[640];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (WIFSIGNALED(status))
        snprintf(what, sizeof(what), "died of signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (run->progress->complaint[0])
        snprintf(what, sizeof(what), "%s", run->progress->complaint);
    else
        snprintf(what, sizeof(what), "exited with status %d", WEXITSTATUS(status));
    fail_run(run, what);
}

/* ---- Watching -------------------------------------------------------------------------------- */

/* From here on nobody writes nonsense.  An attacker that was in the middle of a word, and without a processor, would else put
 * one into memory that is whole again. */
static void make_peace(struct run *run)
{
    atomic_store(&run->progress->peace, 1);
    while (atomic_load(&run->progress->attacking))
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* Puts the memory right and does what ends a wait, with the victim in the middle of its operation.  The victim's time begins
 * when that is done. */
static void rescue(struct run *run, int64_t phase_ns)
{
    uint32_t expected = PHASE_RUN;
    if (!atomic_compare_exchange_strong(&run->progress->phase, &expected, PHASE_RESCUE))
        return;
    if (atomic_load(&run->progress->phase_ns) == phase_ns) {
        make_peace(run);
        run_restore(run, run->progress->image);
        if (run->hostile_case->rescue)
            run->hostile_case->rescue(run->world, run->control);
        if (run->rescued_phase_ns != phase_ns) {
            run->rescued_phase_ns = phase_ns;
            run->rescued_ns = run_now_ns();
            atomic_fetch_add(&run->progress->rescues, 1);
        }
    }
    atomic_store(&run->progress->phase, PHASE_RUN);
}

/* For how long the machine has stood still since the phase began, as far as can be told from here. */
static int64_t excuse(struct run *run, int64_t phase_ns, int64_t now)
{
    if (run->excused_phase_ns != phase_ns)
        run->excused_ns = 0;
    else if (now - run->looked_ns > LATE_MS * MILLISECOND)
        run->excused_ns += now - run->looked_ns;
    run->excused_phase_ns = phase_ns;
    run->looked_ns = now;
    return run->excused_ns;
}

/* Looks at the victim once; false if it hangs. */
static bool look(struct run *run)
{
    const struct hostile_operation *operation = current(run);
    int64_t phase_ns = atomic_load(&run->progress->phase_ns), now = run_now_ns();
    bool running = atomic_load(&run->progress->phase) == PHASE_RUN;
    /* Patience is for a peer that stands still, which none does in a race. */
    bool may_wait = running && (operation->endless || (operation->patience_ms > 0 && !run->racing));
    if (may_wait && now - phase_ns > RESCUE_MS * MILLISECOND)
        rescue(run, phase_ns);
    int64_t since = phase_ns, allowed = HANG_MS;
    if (run->rescued_phase_ns == phase_ns)
        since = run->rescued_ns;
    else if (running)
        allowed += operation->patience_ms;
    return now - since < allowed * MILLISECOND + excuse(run, phase_ns, now);
}

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Until the victim has ended; a hung one is killed. */
static void watch(struct run *run, int64_t stop_ns)
{
    struct pollfd end = {.fd = open_pidfd(run->victim), .events = POLLIN};
    int status = 0;
    while (poll(&end, 1, LOOK_MS) == 0) {
        if (run_now_ns() > stop_ns)
            atomic_store(&run->progress->stop, 1);
        if (!look(run)) {
            fail_run(run, "not done after two seconds");
            kill(run->victim, SIGKILL);
        }
    }
    close(end.fd);
    waitpid(run->victim, &status, 0);
    if (run->failure[0] == '\0')
        judge_end(run, status);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static struct layout *map_control(const char *object)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/ferry.%s", test_root(), object);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    void *control = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(control != MAP_FAILED);
    close(fd);
    return control;
}

static void init(struct run *run, const struct hostile_case *hostile_case, const char *mode)
{
    const char *seed = getenv("FERRY_HOSTILE_SEED");
    *run = (struct run){.hostile_case = hostile_case, .mode = mode};
    run->only = getenv("FERRY_HOSTILE_AT");
    run->seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)run_now_ns();
    run->seed += run->seed == 0;
    run->progress = test_shared(sizeof(*run->progress));
    run->words = test_shared(sizeof(*run->words));
    run->world = test_shared(hostile_case->world_bytes + 1);
    words_list(run->words, (uint32_t)hostile_case->kind);
}

static size_t count_pairs(const struct run *run)
{
    uint64_t values[WORDS_VALUES_MOST];
    size_t pairs = 0;
    for (size_t i = 0; i < run->words->named; i++)
        pairs += words_values(run->control, run->progress->older, run->words->list[i], values);
    return pairs;
}

/* A fresh object, with images of it from before and after somebody came and went. */
static void make(struct run *run)
{
    memset(run->world, 0, run->hostile_case->world_bytes);
    run->hostile_case->setup(run->world);
    run->control = map_control(run->hostile_case->object);
    memcpy(run->progress->older, run->control, sizeof(run->progress->older));
    run->pairs = count_pairs(run);
    atomic_store(&run->progress->width, 0);
    atomic_store(&run->progress->ready, 0);
    atomic_store(&run->progress->peace, 0);
    atomic_store(&run->progress->attacking, 0);
    atomic_store(&run->progress->stop, 0);
    atomic_store(&run->progress->phase, PHASE_PREPARE);
    atomic_store(&run->progress->phase_ns, run_now_ns());
    run->progress->complaint[0] = '\0';
}

static void drop(struct run *run)
{
    run_restore(run, run->progress->older);
    munmap(run->control, sizeof(*run->control));
    if (run->hostile_case->teardown)
        run->hostile_case->teardown(run->world);
}

static pid_t start(void)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK_ERRNO(pid);
    return pid;
}

static void try_operation(struct run *run, uint32_t index, unsigned background)
{
    make(run);
    atomic_store(&run->progress->operation, index);
    atomic_store(&run->progress->background, background);
    run->victim = start();
    if (run->victim == 0)
        victim_try_all(run, &run->hostile_case->operations[index], background);
    watch(run, INT64_MAX);
    drop(run);
}

static void race_once(struct run *run)
{
    make(run);
    run->attacker = start();
    if (run->attacker == 0)
        attacker_live(run);
    run->victim = start();
    if (run->victim == 0)
        victim_race(run);
    watch(run, run_now_ns() + ROUND_MS * MILLISECOND);
    test_kill(run->attacker);
    drop(run);
}

static int conclude(struct run *run, size_t operations, struct hostile_report *ret_report)
{
    struct hostile_report report = {.words = run->words->count,
                                    .operations = operations,
                                    .pairs = run->pairs,
                                    .trials = run->progress->trials,
                                    .errors = run->progress->errors,
                                    .rescues = atomic_load(&run->progress->rescues),
                                    .longest_ns = run->progress->longest_ns,
                                    .seconds = (double)(run_now_ns() - run->started_ns) / 1e9};
    snprintf(report.failure, sizeof(report.failure), "%s", run->failure);
    fprintf(stderr,
            "# %s, %s: %zu %s, %zu pairs of word and value, %zu trials, %zu errors, %zu rescued, "
            "longest %.1f ms, %.1f s\n",
            run->hostile_case->name, run->mode, report.operations,
            run->racing ? "rounds" : "operations", report.pairs, report.trials, report.errors,
            report.rescues, (double)report.longest_ns / 1e6, report.seconds);
    if (report.failure[0])
        fprintf(stderr, "# %s\n", report.failure);
    if (ret_report)
        *ret_report = report;
    return report.failure[0] ? -ECANCELED : 0;
}

static bool is_operation_wanted(const struct run *run, uint32_t index, unsigned background)
{
    char prefix[128];
    if (run->only == NULL)
        return true;
    snprintf(prefix, sizeof(prefix), "%s,%s,", run->hostile_case->operations[index].name,
             words_background_name(background));
    return strncmp(run->only, prefix, strlen(prefix)) == 0;
}

int hostile_run(const struct hostile_case *hostile_case, struct hostile_report *ret_report)
{
    struct run run;
    init(&run, hostile_case, "systematic");
    run.started_ns = run_now_ns();
    uint32_t operations = 0;
    while (hostile_case->operations[operations].name)
        operations++;
    for (unsigned background = 0; background < WORDS_BACKGROUNDS; background++)
        for (uint32_t i = 0; i < operations && run.failure[0] == '\0'; i++)
            if (is_operation_wanted(&run, i, background))
                try_operation(&run, i, background);
    return conclude(&run, operations, ret_report);
}

int hostile_race(const struct hostile_case *hostile_case, struct hostile_report *ret_report)
{
    struct run run;
    init(&run, hostile_case, "racing");
    run.started_ns = run_now_ns();
    run.racing = true;
    size_t rounds = test_thorough() ? ROUNDS_THOROUGH : ROUNDS, done = 0;
    for (size_t i = 0; i < run.words->named && run.failure[0] == '\0'; i++) {
        if (!words_is_worth_a_siege(run.words->list[i]))
            continue;
        run.besieged = &run.words->list[i];
        race_once(&run);
        done++;
    }
    run.besieged = NULL;
    for (size_t i = 0; i < rounds && run.failure[0] == '\0'; i++, done++) {
        race_once(&run);
        words_random(&run.seed);
    }
    return conclude(&run, done, ret_report);
}

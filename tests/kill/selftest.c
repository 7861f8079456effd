/* Does the kill harness find what it is there to find?  Faults are planted in toy objects, and each
 * must be caught, at the right instruction; beside each stands its sound twin, which must pass.
 *
 * What fails on purpose ends its process without a CHECK, as a failed CHECK would end this test. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "test.h"

/* The toy object.  Each test uses the fields that it needs. */
struct toy {
    _Atomic uint32_t words[8];
    _Atomic uint32_t lock;
    _Atomic uint32_t journal;
    _Atomic uint32_t bell;
    char from[60];
    char to[60];
};

static uint32_t look(_Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

static void expect(bool condition)
{
    if (!condition)
        _exit(EXIT_FAILURE);
}

static void do_nothing(void *memory)
{
    (void)memory;
}

/* ---- Every instruction, and each just once ---- */

#define TOY_STORES 5

/* Clears five words by one instruction each, and returns. */
void clear_five(void *memory);

__asm__(".text\n"
        ".hidden clear_five\n"
        ".globl clear_five\n"
        ".type clear_five, %function\n"
        "clear_five:\n"
#if defined(__x86_64__)
        "    movl $0, (%rdi)\n"
        "    movl $0, 4(%rdi)\n"
        "    movl $0, 8(%rdi)\n"
        "    movl $0, 12(%rdi)\n"
        "    movl $0, 16(%rdi)\n"
#else
        "    str wzr, [x0]\n"
        "    str wzr, [x0, #4]\n"
        "    str wzr, [x0, #8]\n"
        "    str wzr, [x0, #12]\n"
        "    str wzr, [x0, #16]\n"
#endif
        "    ret\n"
        ".size clear_five, . - clear_five\n");

static void set_five(void *memory)
{
    struct toy *toy = memory;
    for (size_t i = 0; i < TOY_STORES; i++)
        put(&toy->words[i], 1);
}

/* Instruction 1 is the call, 2 to 6 clear a word each, 7 returns. */
static void check_exact(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    for (size_t i = 0; i < TOY_STORES; i++)
        expect(look(&toy->words[i]) == (point->instruction < i + 2));
    expect(point->returned == (point->instruction == TOY_STORES + 2));
    expect(kill(point->victim, 0) < 0);
}

static const struct kill_case exact_case = {
    .name = "five stores",
    .world_bytes = sizeof(struct toy),
    .setup = set_five,
    .operation = clear_five,
    .check = check_exact,
};

TEST(every_instruction_is_tried_once)
{
    struct kill_report report;
    CHECK_OK(kill_run(&exact_case, &report));
    CHECK_EQ(report.instructions, TOY_STORES + 2u);
    CHECK_EQ(report.tried, TOY_STORES + 2u);
    CHECK_EQ(report.asleep, 0u);
    CHECK_EQ(report.missed, 0u);
    CHECK_STR(report.failure, "");
}

TEST(one_instruction_is_tried_on_request)
{
    struct kill_report report;
    CHECK_ERRNO(setenv("FERRY_KILL_AT", "4", 1));
    CHECK_OK(kill_run(&exact_case, &report));
    CHECK_EQ(report.tried, 1u);
}

TEST(one_instruction_in_three_is_tried_on_request)
{
    struct kill_report report;
    CHECK_ERRNO(setenv("FERRY_KILL_STRIDE", "3", 1));
    CHECK_ERRNO(setenv("FERRY_KILL_SEED", "1", 1));
    CHECK_OK(kill_run(&exact_case, &report));
    CHECK_EQ(report.tried, 3u); /* 2, 5, and 8, which is beyond the end */
}

/* ---- Half-done operations ---- */

static void raise_pair_by_two_stores(void *memory)
{
    struct toy *toy = memory;
    put(&toy->words[0], look(&toy->words[0]) + 1);
    put(&toy->words[1], look(&toy->words[1]) + 1);
}

/* The pair whose number is in the lock's word counts: one store switches over. */
static void raise_pair_by_one_store(void *memory)
{
    struct toy *toy = memory;
    uint32_t now = look(&toy->lock), next = 2 - now;
    put(&toy->words[next], look(&toy->words[now]) + 1);
    put(&toy->words[next + 1], look(&toy->words[now + 1]) + 1);
    put(&toy->lock, next);
}

static void check_pair(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    uint32_t now = look(&toy->lock);
    expect(look(&toy->words[now]) == look(&toy->words[now + 1]));
    expect(look(&toy->words[now]) == 1 || !point->returned);
}

static struct kill_case pair_case(const char *name, void (*operation)(void *))
{
    return (struct kill_case){.name = name,
                              .world_bytes = sizeof(struct toy),
                              .operation = operation,
                              .check = check_pair};
}

TEST(commit_by_two_stores_is_caught)
{
    struct kill_report report;
    struct kill_case pair = pair_case("two stores", raise_pair_by_two_stores);
    CHECK_ERR(kill_run(&pair, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "killed after instruction ");
    CHECK_CONTAINS(report.failure, ", at ");
    CHECK_CONTAINS(report.failure, "+0x");
    CHECK_CONTAINS(report.failure, "check() exited with status 1");
    CHECK(report.tried > 0 && report.tried < report.instructions);
}

TEST(commit_by_one_store_passes)
{
    struct kill_report report;
    struct kill_case pair = pair_case("one store", raise_pair_by_one_store);
    CHECK_OK(kill_run(&pair, &report));
    CHECK_EQ(report.tried, report.instructions);
}

/* ---- Operations that another one gets between ---- */

static void add_by_load_and_store(void *memory)
{
    struct toy *toy = memory;
    put(&toy->words[0], look(&toy->words[0]) + 1);
}

static void add_atomically(void *memory)
{
    struct toy *toy = memory;
    atomic_fetch_add_explicit(&toy->words[0], 1, memory_order_seq_cst);
}

static void check_sum(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    expect(point->returned && !point->let_go);
    expect(kill(point->victim, 0) == 0);
    expect(look(&toy->words[0]) == 2);
}

static struct kill_case adding_case(const char *name, void (*add)(void *))
{
    return (struct kill_case){.name = name,
                              .world_bytes = sizeof(struct toy),
                              .operation = add,
                              .between = add,
                              .check = check_sum};
}

TEST(lost_update_is_caught)
{
    struct kill_report report;
    struct kill_case adding = adding_case("add by load and store", add_by_load_and_store);
    CHECK_ERR(kill_run_paused(&adding, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "paused after instruction ");
    CHECK_CONTAINS(report.failure, "check() exited with status 1");
}

TEST(atomic_update_passes)
{
    struct kill_report report;
    struct kill_case adding = adding_case("add atomically", add_atomically);
    CHECK_OK(kill_run_paused(&adding, &report));
    CHECK_EQ(report.tried, report.instructions);
}

/* ---- Locks ---- */

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL);
}

static void wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX);
}

static void add_under_lock(void *memory)
{
    struct toy *toy = memory;
    while (atomic_exchange_explicit(&toy->lock, 1, memory_order_acquire))
        wait_while(&toy->lock, 1);
    add_by_load_and_store(toy);
    atomic_store_explicit(&toy->lock, 0, memory_order_release);
    wake_all(&toy->lock);
}

static void check_lock(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    add_under_lock(toy);
    expect(look(&toy->words[0]) == 2 || !point->returned);
}

TEST(survivor_that_waits_forever_is_caught)
{
    struct kill_report report;
    struct kill_case locking = {.name = "lock of a dead owner",
                                .world_bytes = sizeof(struct toy),
                                .operation = add_under_lock,
                                .check = check_lock,
                                .bound_ms = 100};
    CHECK_ERR(kill_run(&locking, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "check() has not ended within 100 ms");
}

static void check_lock_in_pause(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    expect(point->returned);
    expect(look(&toy->words[0]) == 2);
}

TEST(survivor_may_wait_for_a_paused_owner)
{
    struct kill_report report;
    struct kill_case locking = {.name = "lock of a paused owner",
                                .world_bytes = sizeof(struct toy),
                                .operation = add_under_lock,
                                .between = add_under_lock,
                                .check = check_lock_in_pause};
    CHECK_OK(kill_run_paused(&locking, &report));
    CHECK_EQ(report.tried, report.instructions);
    CHECK(report.let_go > 0 && report.let_go < report.tried);
}

/* ---- Sleep ---- */

static void wait_for_bell(void *memory)
{
    struct toy *toy = memory;
    while (look(&toy->bell) == 0)
        wait_while(&toy->bell, 0);
    put(&toy->words[0], 1);
}

static void ring(void *memory)
{
    struct toy *toy = memory;
    put(&toy->bell, 1);
    wake_all(&toy->bell);
}

static void check_waiter(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    expect(look(&toy->words[0]) == 1 || !point->returned);
    expect(look(&toy->words[0]) == 0 || look(&toy->bell) == 1);
    expect(!point->asleep || look(&toy->words[0]) == 0);
}

TEST(sleeper_is_killed_asleep_and_later_woken)
{
    struct kill_report report;
    struct kill_case waiting = {.name = "wait",
                                .world_bytes = sizeof(struct toy),
                                .operation = wait_for_bell,
                                .unblock = ring,
                                .check = check_waiter};
    CHECK_OK(kill_run(&waiting, &report));
    CHECK_EQ(report.asleep, 1u);
    CHECK_EQ(report.tried, report.instructions + 1);
}

TEST(sleep_without_end_is_the_last_point)
{
    struct kill_report report;
    struct kill_case waiting = {.name = "wait for good",
                                .world_bytes = sizeof(struct toy),
                                .operation = wait_for_bell,
                                .check = check_waiter};
    CHECK_OK(kill_run(&waiting, &report));
    CHECK_EQ(report.asleep, 1u);
    CHECK_EQ(report.tried, report.instructions + 1);
}

static void check_woken(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    expect(point->returned);
    expect(look(&toy->words[0]) == 1);
}

TEST(survivor_wakes_a_sleeper_that_is_paused)
{
    struct kill_report report;
    struct kill_case waiting = {.name = "wait, paused",
                                .world_bytes = sizeof(struct toy),
                                .operation = wait_for_bell,
                                .unblock = ring,
                                .between = ring,
                                .check = check_woken};
    CHECK_OK(kill_run_paused(&waiting, &report));
    CHECK_EQ(report.asleep, 1u);
}

static void sleep_a_while(void *memory)
{
    struct toy *toy = memory;
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    put(&toy->bell, 1);
    put(&toy->words[0], 1);
}

TEST(sleep_that_ends_by_itself_is_one_point)
{
    struct kill_report report;
    struct kill_case sleeping = {.name = "nap",
                                 .world_bytes = sizeof(struct toy),
                                 .operation = sleep_a_while,
                                 .unblock = do_nothing,
                                 .check = check_waiter};
    CHECK_OK(kill_run(&sleeping, &report));
    CHECK_EQ(report.asleep, 1u);
    CHECK_EQ(report.tried, report.instructions + 1);
}

/* ---- Ways to an instruction ---- */

/* A loop with a loop in it, and on x86-64 a repeated instruction, which stops once per round. */
static void copy_in_rounds(void *memory)
{
    struct toy *toy = memory;
    volatile char *from = toy->from, *to = toy->to;
    for (size_t row = 0; row < 6; row++) {
        for (size_t i = 0; i < 5; i++)
            to[5 * row + i] = from[5 * row + i];
        add_atomically(toy);
    }
#if defined(__x86_64__)
    size_t bytes = 30;
    const char *source = toy->from + 30;
    char *target = toy->to + 30;
    __asm__ volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(bytes) : : "memory");
#endif
    add_atomically(toy);
}

static void fill(void *memory)
{
    struct toy *toy = memory;
    memset(toy->from, 'x', sizeof(toy->from));
}

enum { PROGRESS_POINTS = 4000 };

/* How far the operation was at each instruction; the first run writes, the second compares. */
static uint32_t *progress;

static void check_progress(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    uint32_t copied = 0;
    while (copied < sizeof(toy->to) && toy->to[copied])
        copied++;
    uint32_t now = 1 + copied + 1000 * look(&toy->words[0]);

    expect(point->instruction < PROGRESS_POINTS);
    expect(progress[point->instruction] == 0 || progress[point->instruction] == now);
    progress[point->instruction] = now;
}

TEST_LONG(short_way_leads_to_the_same_instruction, 120)
{
    struct kill_report run, stepped;
    struct kill_case copying = {.name = "loops",
                                .world_bytes = sizeof(struct toy),
                                .setup = fill,
                                .operation = copy_in_rounds,
                                .check = check_progress};
    progress = test_shared(PROGRESS_POINTS * sizeof(*progress));
    CHECK_OK(kill_run(&copying, &run));
    copying.name = "loops, stepped";
    copying.step_only = true;
    CHECK_OK(kill_run(&copying, &stepped));
    CHECK_EQ(run.tried, run.instructions);
    CHECK_EQ(stepped.tried, run.tried);
    CHECK_EQ(stepped.instructions, run.instructions);
    CHECK_EQ(run.missed + stepped.missed, 0u);
    CHECK(run.stops < stepped.stops / 4);
}

/* Six thousand instructions that do nothing, and a return. */
void idle(void *memory);

__asm__(".text\n"
        ".hidden idle\n"
        ".globl idle\n"
        ".type idle, %function\n"
        "idle:\n"
        "    .rept 6000\n"
        "    nop\n"
        "    .endr\n"
        "    ret\n"
        ".size idle, . - idle\n");

TEST_LONG(long_operation_is_thinned_out_in_a_default_run, 60)
{
    struct kill_report report;
    struct kill_case idling = {.name = "six thousand", .operation = idle};
    CHECK_OK(kill_run(&idling, &report));
    CHECK_EQ(report.instructions, 6002u);
    if (test_thorough())
        CHECK_EQ(report.tried, 6002u);
    else
        CHECK(report.tried > 500 && report.tried <= 1001); /* and the end */
}

static void idle_and_raise_pair(void *memory)
{
    idle(memory);
    raise_pair_by_two_stores(memory);
}

/* There are three instructions among six thousand at which the pair is unequal. */
TEST_LONG(thinned_out_run_meets_what_is_half_done, 60)
{
    struct kill_report report;
    struct kill_case pair = pair_case("six thousand and two stores", idle_and_raise_pair);
    CHECK_ERR(kill_run(&pair, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "check() exited with status 1");
}

static void choose_path(void *memory)
{
    static uint32_t round;
    struct toy *toy = memory;
    put(&toy->bell, ++round / 3 % 2 == 0);
}

static void take_one_of_two_paths(void *memory)
{
    struct toy *toy = memory;
    if (look(&toy->bell))
        add_under_lock(toy);
    else
        add_by_load_and_store(toy);
}

static void check_at_most_once(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    uint32_t sum = look(&toy->words[0]);
    expect(sum == 1 || (sum == 0 && !point->returned));
}

/* By turns, three take the long one and three the short one. */
TEST(victims_may_take_other_paths)
{
    struct kill_report report;
    struct kill_case choosing = {.name = "two paths",
                                 .world_bytes = sizeof(struct toy),
                                 .setup = choose_path,
                                 .operation = take_one_of_two_paths,
                                 .check = check_at_most_once};
    CHECK_OK(kill_run(&choosing, &report));
    CHECK(report.missed > 0);
}

/* ---- Signals and children ---- */

static struct toy *_Atomic handler_toy;

static void count_signal(int number)
{
    (void)number;
    add_atomically(handler_toy);
}

static void catch_signal(void *memory)
{
    struct sigaction action = {.sa_handler = count_signal};
    handler_toy = memory;
    expect(sigaction(SIGUSR1, &action, NULL) == 0);
}

static void raise_signal(void *memory)
{
    (void)memory;
    raise(SIGUSR1);
}

static void check_signal(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    uint32_t caught = look(&toy->words[0]);
    expect(caught == 1 || (caught == 0 && !point->returned));
}

TEST(signals_reach_the_victim)
{
    struct kill_report report;
    struct kill_case raising = {.name = "signal",
                                .world_bytes = sizeof(struct toy),
                                .prepare = catch_signal,
                                .operation = raise_signal,
                                .check = check_signal};
    CHECK_OK(kill_run(&raising, &report));
    CHECK_EQ(report.tried, report.instructions);
}

static void have_child(void *memory)
{
    struct toy *toy = memory;
    pid_t pid = fork();
    if (pid == 0) {
        put(&toy->words[1], 1);
        _exit(EXIT_SUCCESS);
    }
    put(&toy->words[0], pid > 0);
}

/* The child outlives its parent, untraced, and falls to the survivor. */
static void check_child(void *memory, const struct kill_point *point)
{
    struct toy *toy = memory;
    int status;
    bool born = waitpid(-1, &status, 0) > 0;
    expect(born || !point->returned);
    expect(!born || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS));
    expect(look(&toy->words[1]) == born);
}

TEST(child_of_a_victim_lives_on)
{
    struct kill_report report;
    struct kill_case forking = {.name = "fork",
                                .world_bytes = sizeof(struct toy),
                                .operation = have_child,
                                .check = check_child};
    CHECK_OK(kill_run(&forking, &report));
    CHECK(report.tried >= report.instructions);
}

/* ---- Recovery ---- */

/* Two counters that stay equal.  The journal holds the new value, 0 if nothing is under way. */
static void add_with_journal(void *memory)
{
    struct toy *toy = memory;
    put(&toy->journal, look(&toy->words[0]) + 1);
    put(&toy->words[0], look(&toy->journal));
    put(&toy->words[1], look(&toy->journal));
    put(&toy->journal, 0);
}

static void recover(void *memory)
{
    struct toy *toy = memory;
    uint32_t value = look(&toy->journal);
    if (!value)
        return;
    put(&toy->words[0], value);
    put(&toy->words[1], value);
    put(&toy->journal, 0);
}

/* Good for nobody who is killed in the middle of it. */
static void recover_but_retire_first(void *memory)
{
    struct toy *toy = memory;
    uint32_t value = look(&toy->journal);
    if (!value)
        return;
    put(&toy->journal, 0);
    put(&toy->words[0], value);
    put(&toy->words[1], value);
}

static void check_after(void *memory, void (*recovery)(void *))
{
    struct toy *toy = memory;
    recovery(toy);
    expect(look(&toy->journal) == 0);
    expect(look(&toy->words[0]) == look(&toy->words[1]));
}

static void check_recovered(void *memory, const struct kill_point *point)
{
    (void)point;
    check_after(memory, recover);
}

static void check_recovered_in_one_go(void *memory, const struct kill_point *point)
{
    (void)point;
    check_after(memory, recover_but_retire_first);
}

static struct kill_case recovery_case(const char *name, void (*operation)(void *))
{
    return (struct kill_case){.name = name,
                              .world_bytes = sizeof(struct toy),
                              .operation = operation,
                              .check = check_recovered};
}

TEST(recovery_that_can_be_killed_passes)
{
    struct kill_report report;
    struct kill_case adding = recovery_case("add with journal", add_with_journal);
    struct kill_case recovering = recovery_case("recover", recover);
    CHECK_OK(kill_run(&adding, NULL));
    CHECK_OK(kill_run_recovery(&adding, &recovering, &report));
    CHECK_EQ(report.missed, 0u);
    CHECK_EQ(report.wrecks, 6u); /* after the call, four stores, and the return */
}

TEST(recovery_that_cannot_be_killed_is_caught)
{
    struct kill_report report;
    struct kill_case adding = recovery_case("add with journal", add_with_journal);
    struct kill_case recovering = recovery_case("retire first", recover_but_retire_first);
    adding.check = check_recovered_in_one_go;
    CHECK_OK(kill_run(&adding, NULL));
    CHECK_ERR(kill_run_recovery(&adding, &recovering, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "first victim killed after ");
}

/* ---- Whatever goes wrong, it is said where ---- */

static void crash(void *memory)
{
    (void)memory;
    raise(SIGABRT);
}

static void crash_in_check(void *memory, const struct kill_point *point)
{
    if (point->instruction == 3)
        crash(memory);
}

TEST(crash_of_the_survivor_is_caught)
{
    struct kill_report report;
    struct kill_case crashing = exact_case;
    crashing.check = crash_in_check;
    CHECK_ERR(kill_run(&crashing, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "killed after instruction 3 of 7");
    CHECK_CONTAINS(report.failure, "check() died of signal 6");
}

TEST(crash_of_the_victim_is_caught)
{
    struct kill_report report;
    struct kill_case crashing = exact_case;
    crashing.operation = crash;
    CHECK_ERR(kill_run(&crashing, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "operation() died of signal 6");
}

static void exit_early(void *memory)
{
    (void)memory;
    _exit(EXIT_SUCCESS);
}

TEST(early_exit_passes_for_nothing)
{
    struct kill_report report;
    struct kill_case leaving = exact_case;
    leaving.teardown = exit_early;
    CHECK_ERR(kill_run(&leaving, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "teardown() exited with status 0");

    leaving = exact_case;
    leaving.prepare = exit_early;
    CHECK_ERR(kill_run(&leaving, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "the victim ended before its operation");
}

static void loop_while_lock_is_taken(void *memory)
{
    struct toy *toy = memory;
    while (look(&toy->lock))
        continue;
}

static void take_lock_for_good(void *memory)
{
    struct toy *toy = memory;
    put(&toy->lock, 1);
}

TEST(victim_without_end_is_caught)
{
    struct kill_report report;
    struct kill_case looping = {.name = "loop",
                                .world_bytes = sizeof(struct toy),
                                .operation = loop_while_lock_is_taken,
                                .between = take_lock_for_good,
                                .bound_ms = 100};
    CHECK_ERR(kill_run_paused(&looping, &report), ECANCELED);
    CHECK_CONTAINS(report.failure, "operation() has not ended within 100 ms");
}

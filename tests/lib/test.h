/* Ferry's own test framework.  One executable holds many cases; each case runs in a process of its
 * own, with an alarm, a private root for named objects, and an inspection of what it left behind.
 *
 *     #include "test.h"
 *
 *     TEST(second_exclusive_create_is_refused) // G2
 *     {
 *         ferry_segment *segment;
 *         CHECK_OK(ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_CREATE, …)));
 *         …
 *     }
 *
 * A case passes when its body returns and nothing is left over: no descriptor, no mapping of a
 * Ferry object, no file in $FERRY_ROOT, no process, and under AddressSanitizer no memory.
 * What a case prints goes to standard error; standard output carries TAP alone. */
#ifndef FERRY_TEST_H
#define FERRY_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* ---- Cases ---- */

struct test_case {
    const char *name;
    void (*body)(void);
    double limit_s; /* how long it may take; times --timeout */
    struct test_case *next;
};

void test_register(struct test_case *test);

/* Registers a case that may take seconds_ before it is killed and counted as failed. */
#define TEST_LONG(name_, seconds_)                                                                 \
    static void test_body_##name_(void);                                                           \
    static struct test_case test_case_##name_ = {                                                  \
        .name = #name_, .body = test_body_##name_, .limit_s = (seconds_)};                         \
    __attribute__((constructor)) static void test_register_##name_(void)                           \
    {                                                                                              \
        test_register(&test_case_##name_);                                                         \
    }                                                                                              \
    static void test_body_##name_(void)

#define TEST(name_) TEST_LONG(name_, 30)

/* Ends the case without a verdict; the reason is printed and counted.  Only in the case's own
 * process. */
#define SKIP(...) test_skip(__VA_ARGS__)
__attribute__((noreturn, format(printf, 1, 2))) void test_skip(const char *why, ...);

/* Are we asked to take our time?  (--thorough) */
bool test_thorough(void);

/* Do we run under qemu-user?  Some of what it tells the kernel, or us, is not what was meant. */
bool test_is_emulated(void);

/* Named objects that remain in the root when the body returns are meant to. */
void test_leaves_objects(void);

/* The case's private root directory, which is also $FERRY_ROOT. */
const char *test_root(void);

/* ---- Checks ----
 *
 * A check that fails ends the whole case, whichever of its processes or threads made it.  Each
 * evaluates its arguments once. */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "CHECK failed: %s", #condition);                         \
    } while (0)

/* Two integers of any types are the same number: -1 is not UINT64_MAX. */
#define CHECK_EQ(actual, expected)                                                                 \
    test_check_eq(__FILE__, __LINE__, #actual " == " #expected, TEST_NUMBER(actual),               \
                  TEST_NUMBER(expected))

/* Two strings are the same; NULL equals NULL alone. */
#define CHECK_STR(actual, expected)                                                                \
    test_check_str(__FILE__, __LINE__, #actual " is " #expected, (actual), (expected))

/* haystack contains needle. */
#define CHECK_CONTAINS(haystack, needle)                                                           \
    test_check_contains(__FILE__, __LINE__, #haystack " contains " #needle, (haystack), (needle))

/* A Ferry call succeeded: its result is not negative. */
#define CHECK_OK(result) test_check_ok(__FILE__, __LINE__, #result, (result))

/* A Ferry call failed with exactly this errno. */
#define CHECK_ERR(result, code)                                                                    \
    test_check_err(__FILE__, __LINE__, #result " == -" #code, (result), (code))

/* A call in the C library's manner succeeded: not -1.  Prints errno. */
#define CHECK_ERRNO(result) test_check_errno(__FILE__, __LINE__, #result, (result))

/* ---- Processes ---- */

/* What a child exits with after a check of its own failed. */
#define TEST_EXIT_CHECK_FAILED 99

/* Forks a child that runs body(context) and exits with 0. */
pid_t test_child(void (*body)(void *), void *context);

/* Waits for a child and checks that it exited with 0. */
#define test_wait_ok(pid) test_wait_ok_at(__FILE__, __LINE__, (pid))

/* SIGKILL, then waits until the kernel has let go of it. */
#define test_kill(pid) test_kill_at(__FILE__, __LINE__, (pid))

/* Waits until every thread of the process is asleep in the kernel. */
#define test_sleeping(pid) test_sleeping_at(__FILE__, __LINE__, (pid))

/* ---- Waiting for what other processes and threads do ---- */

/* Zeroed memory shared with the children forked after this call; goes with the case. */
void *test_shared(size_t size_bytes);

/* An event that happens once, seen by all children forked after test_gate_new(). */
struct test_gate {
    _Atomic uint32_t open;
};

struct test_gate *test_gate_new(void);
void test_gate_open(struct test_gate *gate);

/* Waits for ten seconds (times --timeout) at most, then fails the case. */
#define test_gate_wait(gate) test_gate_wait_at(__FILE__, __LINE__, #gate, (gate))

/* Evaluates the condition until it is true, for ten seconds at most. */
#define test_wait_until(condition)                                                                 \
    do {                                                                                           \
        struct test_patience test_patience_ = test_patience_start();                               \
        while (!(condition))                                                                       \
            test_patience_nap(&test_patience_, __FILE__, __LINE__, #condition);                    \
    } while (0)

/* The monotonic clock. */
int64_t test_now_ns(void);

/* ---- Behind the macros ---- */

__attribute__((noreturn, format(printf, 3, 4))) void test_fail(const char *file, int line,
                                                               const char *format, ...);

struct test_number {
    intmax_t bits;
    bool is_unsigned;
};

/* The + 0 makes an atomic a plain number. */
#define TEST_NUMBER(number)                                                                        \
    ((struct test_number){(intmax_t)(number), (__typeof__((number) + 0))-1 > 0})

void test_check_eq(const char *file, int line, const char *what, struct test_number actual,
                   struct test_number expected);
void test_check_str(const char *file, int line, const char *what, const char *actual,
                    const char *expected);
void test_check_contains(const char *file, int line, const char *what, const char *haystack,
                         const char *needle);
void test_check_ok(const char *file, int line, const char *what, intmax_t result);
void test_check_err(const char *file, int line, const char *what, intmax_t result, int code);
void test_check_errno(const char *file, int line, const char *what, intmax_t result);

void test_wait_ok_at(const char *file, int line, pid_t pid);
void test_kill_at(const char *file, int line, pid_t pid);
void test_sleeping_at(const char *file, int line, pid_t pid);
void test_gate_wait_at(const char *file, int line, const char *what, struct test_gate *gate);

struct test_patience {
    int64_t deadline_ns;
    unsigned naps;
};

struct test_patience test_patience_start(void);
void test_patience_nap(struct test_patience *patience, const char *file, int line,
                       const char *condition);

#endif

/* Checks, and what happens when one fails: say so on the shared page, end this process.  The
 * runner sees the page and ends the others. */
#include "test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "report.h"

/* The library's own sentence about a failure, where the test is linked with the library. */
__attribute__((weak)) const char *ferry_explain(void);

static const char *explanation(void)
{
    const char *sentence = ferry_explain ? ferry_explain() : "";
    return sentence && *sentence ? sentence : "(no explanation)";
}

void test_fail(const char *file, int line, const char *format, ...)
{
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    report_fail("%s:%d: %s", file, line, what);
    _exit(TEST_EXIT_CHECK_FAILED);
}

void test_skip(const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    report_say_list(why, arguments);
    va_end(arguments);
    atomic_store(&report->skipped, 1);
    _exit(0);
}

void test_leaves_objects(void)
{
    atomic_store(&report->leaves_objects, 1);
}

static bool same_number(struct test_number a, struct test_number b)
{
    return a.bits == b.bits && (a.bits >= 0 || a.is_unsigned == b.is_unsigned);
}

static const char *print_number(char *buffer, size_t size, struct test_number number)
{
    if (number.is_unsigned)
        snprintf(buffer, size, "%ju", (uintmax_t)number.bits);
    else
        snprintf(buffer, size, "%jd", number.bits);
    return buffer;
}

void test_check_eq(const char *file, int line, const char *what, struct test_number actual,
                   struct test_number expected)
{
    char a[32], b[32];
    if (!same_number(actual, expected))
        test_fail(file, line, "CHECK failed: %s: it is %s, not %s", what,
                  print_number(a, sizeof a, actual), print_number(b, sizeof b, expected));
}

void test_check_str(const char *file, int line, const char *what, const char *actual,
                    const char *expected)
{
    bool same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (!same)
        test_fail(file, line, "CHECK failed: %s: it is \"%s\", not \"%s\"", what,
                  actual ? actual : "(null)", expected ? expected : "(null)");
}

void test_check_contains(const char *file, int line, const char *what, const char *haystack,
                         const char *needle)
{
    if (!haystack || !strstr(haystack, needle))
        test_fail(file, line, "CHECK failed: %s: no \"%s\" in \"%s\"", what, needle,
                  haystack ? haystack : "(null)");
}

void test_check_ok(const char *file, int line, const char *what, intmax_t result)
{
    if (result < 0)
        test_fail(file, line, "CHECK failed: %s: it is %jd, %s\n  explained as: %s", what, result,
                  strerror((int)-result), explanation());
}

void test_check_err(const char *file, int line, const char *what, intmax_t result, int code)
{
    if (result == -code)
        return;
    if (result >= 0)
        test_fail(file, line, "CHECK failed: %s: it succeeded with %jd", what, result);
    test_fail(file, line, "CHECK failed: %s: it is %jd, %s, not %d, %s\n  explained as: %s", what,
              result, strerror((int)-result), -code, strerror(code), explanation());
}

void test_check_errno(const char *file, int line, const char *what, intmax_t result)
{
    if (result == -1)
        test_fail(file, line, "CHECK failed: %s: %s", what, strerror(errno));
}

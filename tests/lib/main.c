/* The main program of every test executable: runs the registered cases in the order in which they
 * were written and prints TAP. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "runner.h"
#include "settings.h"
#include "test.h"

static struct test_case *first, **last = &first;

/* Called by constructors, before main(). */
void test_register(struct test_case *test)
{
    *last = test;
    last = &test->next;
}

static bool is_chosen(const struct test_case *test)
{
    return !settings.only || strstr(test->name, settings.only);
}

static unsigned count_chosen(void)
{
    unsigned count = 0;
    for (const struct test_case *test = first; test; test = test->next)
        count += is_chosen(test);
    return count;
}

/* A reason stands on the line itself; TAP has no room for more than one line of it. */
static void print_skip(unsigned number, const char *name)
{
    report->text[strcspn(report->text, "\n")] = '\0';
    printf("ok %u - %s # SKIP %s\n", number, name, report->text);
}

static bool run_and_print(const struct test_case *test, unsigned number)
{
    enum verdict verdict = runner_run(test);
    if (verdict == SKIPPED) {
        print_skip(number, test->name);
    } else {
        printf("%s %u - %s\n", verdict == PASSED ? "ok" : "not ok", number, test->name);
        report_print(stdout);
    }
    fflush(stdout);
    return verdict != FAILED;
}

static int list_cases(void)
{
    for (const struct test_case *test = first; test; test = test->next)
        if (is_chosen(test))
            puts(test->name);
    return 0;
}

int main(int argc, char **argv)
{
    settings_read(argc, argv);
    if (settings.list)
        return list_cases();

    runner_init();
    printf("TAP version 13\n1..%u\n", count_chosen() * settings.repeat);
    bool all_good = true;
    unsigned number = 0;
    for (unsigned round = 0; round < settings.repeat; round++)
        for (const struct test_case *test = first; test; test = test->next)
            if (is_chosen(test))
                all_good &= run_and_print(test, ++number);
    return all_good ? 0 : 1;
}

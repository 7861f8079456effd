/* ferry bench: measures what Ferry costs, beside the machine's floors, the kernel and others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/conductor.h"
#include "cli/bench_show.h"
#include "cli/options.h"
#include "cli/output.h"

static void show_progress(const char *what, const char *where, size_t round, size_t rounds)
{
    fprintf(stderr, "\r\033[K%s · %s: round %zu of %zu", what, where, round, rounds);
    if (round == rounds)
        fputs("\r\033[K", stderr);
}

static int measure(const struct conductor_options *wishes, struct report *ret_report)
{
    return conductor_run(wishes, ret_report) < 0 ? STATUS_FAILED : STATUS_DONE;
}

static void print_for_people(const struct report *report, const struct comparison *comparison)
{
    bench_print_table(report);
    if (comparison)
        bench_print_changes(comparison);
}

static int run(int argc, char **argv)
{
    bool quick = false, json = false, fail_on_slower = false;
    uint64_t rounds = 0;
    const char *html = NULL, *from = NULL, *compare = NULL;
    const struct option options[] = {
        {.name = "quick", .flag = &quick},     {.name = "json", .flag = &json},
        {.name = "html", .text = &html},       {.name = "from", .text = &from},
        {.name = "compare", .text = &compare}, {.name = "fail-on-slower", .flag = &fail_on_slower},
        {.name = "rounds", .number = &rounds}, {0},
    };
    int count = options_parse(&verb_bench, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    bool page_is_output = html && strcmp(html, "-") == 0;
    if (json && page_is_output) {
        complain("--json and --html - both go to standard output; name a file for one of them");
        return STATUS_USAGE;
    }
    if (html && bench_check_html(html) != STATUS_DONE)
        return STATUS_FAILED;
    struct report report, before;
    if (compare && bench_read(compare, &before) != STATUS_DONE)
        return STATUS_FAILED;
    struct conductor_options wishes = {
        .quick = quick,
        .rounds = rounds,
        .cpu = {-1, -1},
        .names = (const char *const *)argv,
        .name_count = (size_t)count,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    int status = from ? bench_read(from, &report) : measure(&wishes, &report);
    if (status == STATUS_DONE) {
        struct comparison comparison;
        if (compare)
            compare_reports(&before, &report, &comparison);
        if (json)
            bench_print_json(&report, compare ? &comparison : NULL);
        else if (!page_is_output)
            print_for_people(&report, compare ? &comparison : NULL);
        if (compare && fail_on_slower && comparison_count(&comparison, CHANGE_SLOWER) > 0)
            status = STATUS_FAILED;
        if (html && bench_write_html(&report, html) != STATUS_DONE)
            status = STATUS_FAILED;
        if (compare)
            comparison_deinit(&comparison);
        report_deinit(&report);
    }
    if (compare)
        report_deinit(&before);
    return status;
}

const struct verb verb_bench = {
    .name = "bench",
    .summary = "measure it, beside the kernel and others",
    .operands = "[EXPERIMENT…]",
    .most_operands = 64,
    .help = "Measures what Ferry costs here, in the same run as the machine's own floors, the\n"
            "kernel's mechanisms and other libraries.\n"
            "\n"
            "  --html FILE     also a report with charts, one file that needs no network;\n"
            "                  - is standard output, in place of the table\n"
            "  --json          everything, each round included; FILE below is what it wrote\n"
            "  --compare FILE  also says what changed since, beyond the noise of both runs\n"
            "  --fail-on-slower  then exits with 1 if something got slower\n"
            "  --from FILE     shows that run and measures nothing; - is standard input\n",
    .run = run,
};

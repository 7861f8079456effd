/* ferry bench: measures what Ferry costs, beside the machine's floors, the kernel and others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bench/conductor.h"
#include "cli/bench_show.h"
#include "cli/bench_wishes.h"
#include "cli/options.h"
#include "cli/output.h"

struct request {
    bool quick, list, json, fail_on_slower;
    uint64_t rounds;
    bool rounds_given;
    const char *sides, *cpus, *html, *from, *compare;
    const char *const *names;
    size_t name_count;
};

/* ---- The run to show -------------------------------------------------------------------------- */

static void show_progress(const char *what, const char *where, size_t round, size_t rounds)
{
    fprintf(stderr, "\r\033[K%s · %s: round %zu of %zu", what, where, round, rounds);
    if (round == rounds)
        fputs("\r\033[K", stderr);
}

static int measure(const struct request *request, struct report *ret_report)
{
    CLEANUP(word_list_cleanup) struct word_list sides = {0};
    struct conductor_options wishes = {
        .quick = request->quick,
        .rounds = (size_t)request->rounds,
        .cpu = {-1, -1},
        .names = request->names,
        .name_count = request->name_count,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    int status = bench_check_names(request->names, request->name_count);
    if (status == STATUS_DONE && request->sides)
        status = bench_parse_sides(request->sides, &sides);
    if (status == STATUS_DONE && request->cpus)
        status = bench_parse_cpus(request->cpus, wishes.cpu);
    if (status != STATUS_DONE)
        return status;
    wishes.side_names = sides.words;
    wishes.side_count = sides.count;
    if (conductor_run(&wishes, ret_report) == 0)
        return STATUS_DONE;
    complain("--cpus: this process may not use processors %s; `taskset -cp $$` says which it may",
             request->cpus ? request->cpus : "");
    return STATUS_FAILED;
}

/* ---- Showing it ------------------------------------------------------------------------------- */

/* "-" writes the page where the table would be. */
static bool page_is_output(const struct request *request)
{
    return request->html && strcmp(request->html, "-") == 0;
}

static int show(const struct request *request, const struct report *report,
                const struct comparison *comparison)
{
    if (request->json)
        bench_print_json(report, comparison);
    else if (!page_is_output(request))
        bench_print_table(report);
    if (comparison && !request->json && !page_is_output(request))
        bench_print_changes(comparison);
    int status = request->html ? bench_write_html(report, request->html) : STATUS_DONE;
    if (comparison && request->fail_on_slower && comparison_count(comparison, CHANGE_SLOWER) > 0)
        status = STATUS_FAILED;
    return status;
}

static int show_changes(const struct request *request, const struct report *before,
                        const struct report *report)
{
    struct comparison comparison;
    compare_reports(before, report, &comparison);
    int status = show(request, report, &comparison);
    comparison_deinit(&comparison);
    return status;
}

/* What can go wrong is found before the minutes of measuring. */
static int run_request(const struct request *request)
{
    CLEANUP(report_deinit) struct report before = {0}, report = {0};
    int status = request->html ? bench_check_html(request->html) : STATUS_DONE;
    if (status == STATUS_DONE && request->compare)
        status = bench_read(request->compare, &before);
    if (status == STATUS_DONE)
        status = request->from ? bench_read(request->from, &report) : measure(request, &report);
    if (status != STATUS_DONE)
        return status;
    return request->compare ? show_changes(request, &before, &report)
                            : show(request, &report, NULL);
}

/* ---- The command line ------------------------------------------------------------------------- */

static int check(const struct request *request)
{
    if (request->json && page_is_output(request))
        complain("--json and --html - both go to standard output; name a file for one of them");
    else if (request->fail_on_slower && !request->compare)
        complain("--fail-on-slower goes with --compare FILE");
    else if (request->rounds_given && (request->rounds == 0 || request->rounds > 1000))
        complain("--rounds: from 1 to 1000");
    else if (request->from && (request->name_count > 0 || request->sides || request->cpus))
        complain("--from shows a saved run as it is; what to measure cannot be chosen any more");
    else
        return STATUS_DONE;
    return STATUS_USAGE;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    const struct option options[] = {
        {.name = "quick", .flag = &request.quick},
        {.name = "rounds", .number = &request.rounds, .given = &request.rounds_given},
        {.name = "side", .text = &request.sides},
        {.name = "cpus", .text = &request.cpus},
        {.name = "list", .flag = &request.list},
        {.name = "json", .flag = &request.json},
        {.name = "html", .text = &request.html},
        {.name = "compare", .text = &request.compare},
        {.name = "fail-on-slower", .flag = &request.fail_on_slower},
        {.name = "from", .text = &request.from},
        {0},
    };
    int count = options_parse(&verb_bench, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    request.names = (const char *const *)argv;
    request.name_count = (size_t)count;
    if (request.list)
        return bench_print_list();
    int status = check(&request);
    return status == STATUS_DONE ? run_request(&request) : status;
}

const struct verb verb_bench = {
    .name = "bench",
    .summary = "measure it, beside the kernel and others",
    .operands = "[EXPERIMENT…]",
    .most_operands = 64,
    .help = "Measures what Ferry costs on this machine, in the same run as the machine's own\n"
            "floors, the kernel's mechanisms and other libraries.  All experiments take some\n"
            "minutes; a name stands for all that begin with it.\n"
            "\n"
            "Options\n"
            "  --quick            a rough look\n"
            "  --rounds NUMBER    how many rounds (default 15; 5 with --quick)\n"
            "  --side NAME,…      only sides that begin so, and those compared with\n"
            "  --cpus A,B         the two processors to measure on\n"
            "  --list             show the experiments and their sides\n"
            "  --html FILE        also a report with charts; - is standard output\n"
            "  --json             everything, round by round; FILE below is what it wrote\n"
            "  --compare FILE     also say what has changed since, beyond noise\n"
            "  --fail-on-slower   with --compare: exit with 1 if something got slower\n"
            "  --from FILE        show that run, measure nothing; - is standard input\n"
            "\n"
            "Examples\n"
            "  ferry bench --quick lock\n"
            "  ferry bench --html report.html\n"
            "  ferry bench --json message >before.json\n"
            "  ferry bench message --compare before.json\n"
            "\n"
            "Exit status: 0 done; 1 failed; 2 wrong usage.\n",
    .run = run,
};

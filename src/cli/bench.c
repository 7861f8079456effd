/* ferry bench: measures what Ferry costs, beside the machine's floors, the kernel and others. */
#include <stdio.h>
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

static int run(int argc, char **argv)
{
    bool quick = false, json = false;
    uint64_t rounds = 0;
    const struct option options[] = {
        {.name = "quick", .flag = &quick},
        {.name = "json", .flag = &json},
        {.name = "rounds", .number = &rounds},
        {0},
    };
    int count = options_parse(&verb_bench, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    struct conductor_options wishes = {
        .quick = quick,
        .rounds = rounds,
        .cpu = {-1, -1},
        .names = (const char *const *)argv,
        .name_count = (size_t)count,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    struct report report;
    if (conductor_run(&wishes, &report) < 0)
        return STATUS_FAILED;
    if (json)
        bench_print_json(&report);
    else
        bench_print_table(&report);
    report_deinit(&report);
    return STATUS_DONE;
}

const struct verb verb_bench = {
    .name = "bench",
    .summary = "measure it, beside the kernel and others",
    .operands = "[EXPERIMENT…]",
    .most_operands = 64,
    .help = "Measures what Ferry costs here, in the same run as the machine's own floors, the\n"
            "kernel's mechanisms and other libraries.\n",
    .run = run,
};

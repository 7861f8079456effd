/* See conductor.h.
 *
 * In each round every side has one lap, in an order that changes from round to round.  The first
 * round finds out how many operations fit into a lap, and is not counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <ferry/ferry.h>

#include "bench/conductor.h"
#include "bench/lap.h"
#include "bench/sides.h"

#define MILLISECOND INT64_C(1000000)

/* How thorough a run is. */
struct effort {
    size_t rounds;
    size_t batches;    /* in a lap */
    int64_t target_ns; /* of a batch */
};

static const struct effort thorough = {.rounds = 15, .batches = 9, .target_ns = 2 * MILLISECOND};
static const struct effort quick = {.rounds = 5, .batches = 5, .target_ns = MILLISECOND};

/* In how many operations system calls are counted. */
#define CALLS_OF 100

/* Where batches must be long, there is one instead of several. */
#define LONG_BATCHES 15

/* A lap during which the hypervisor took away more of a processor than this is done again, as long
 * as that has not happened more often than there are laps. */
#define STOLEN_LIMIT 0.03

/* Others may use this much of one processor before a series is called disturbed. */
#define NOISE_LIMIT 0.05

/* The floor has no reason to vary but the machine. */
#define SPREAD_LIMIT 0.15

/* A side on its way through one experiment. */
struct runner_up {
    const struct bench_side *side;
    struct row *row;
    struct lap_request request;
    struct lap_result result; /* of the last lap */
    uint64_t tail[BENCH_BUCKETS];
    double cpu_ns, sleeps; /* summed up over the rounds */
};

struct contest {
    const struct experiment *experiment;
    enum bench_placement placement;
    struct series *series;
    struct runner_up *sides;
    size_t count;
    size_t rounds;
    size_t repeats; /* of disturbed laps, that are still allowed */
    unsigned seed;
};

static void *expect(void *memory)
{
    if (memory == NULL) {
        fputs("ferry: no memory left for the bench\n", stderr);
        exit(1);
    }
    return memory;
}

/* ---- Who and what ----------------------------------------------------------------------------------- */

static bool is_exact(const char *name)
{
    for (size_t i = 0; i < experiment_count; i++)
        if (strcmp(experiments[i].name, name) == 0)
            return true;
    return false;
}

bool conductor_wants(const struct conductor_options *options, const struct experiment *experiment)
{
    for (size_t i = 0; i < options->name_count; i++) {
        const char *name = options->names[i];
        size_t enough = is_exact(name) ? strlen(name) + 1 : strlen(name);
        if (strncmp(name, experiment->name, enough) == 0)
            return true;
    }
    return options->name_count == 0;
}

static bool is_measure_of_others(const struct experiment *experiment, const struct bench_side *side)
{
    return (experiment->floor && strcmp(side->name, experiment->floor) == 0) ||
           (experiment->kernel && strcmp(side->name, experiment->kernel) == 0);
}

static bool wants_side(const struct conductor_options *options, const struct experiment *experiment,
                       const struct bench_side *side)
{
    for (size_t i = 0; i < options->side_count; i++)
        if (strncasecmp(options->side_names[i], side->name, strlen(options->side_names[i])) == 0)
            return true;
    return options->side_count == 0 || is_measure_of_others(experiment, side);
}

/* ---- One series ------------------------------------------------------------------------------------- */

static struct lap_request request_for(const struct contest *contest, const struct bench_side *side,
                                      const struct conductor_options *options,
                                      const struct machine *machine)
{
    const struct experiment *experiment = contest->experiment;
    bool one = contest->placement == PLACE_ONE_CORE;
    const struct effort *effort = options->quick ? &quick : &thorough;
    struct lap_request request = {
        .side = side,
        .play = experiment_play(experiment, side),
        .waiting = experiment_waiting(experiment, side, contest->placement),
        .size_bytes = experiment->size_bytes,
        .cpu = {machine->cpu[0], machine->cpu[one ? 0 : 1]},
        .count = experiment->count,
        .target_ns = effort->target_ns,
        .batches = experiment->count ? 1 : effort->batches,
        .hold_ns =
            options->quick && experiment->hold_ns ? experiment->hold_ns / 10 : experiment->hold_ns,
        .bare = experiment->hold_ns != 0,
        .sample = experiment->measure == MEASURE_TIME && experiment->shape == SHAPE_ROUND_TRIP,
    };
    bool slow = side->starts_slowly && experiment->shape == SHAPE_ONE_WAY;
    if (experiment->long_batches || slow) {
        request.target_ns *= LONG_BATCHES;
        request.batches = 1;
    }
    return request;
}

static void add_side(struct contest *contest, const struct bench_side *side,
                     const struct conductor_options *options, const struct machine *machine)
{
    contest->sides =
        expect(reallocarray(contest->sides, contest->count + 1, sizeof(*contest->sides)));
    struct runner_up *added = &contest->sides[contest->count++];
    memset(added, 0, sizeof(*added));
    added->side = side;
    added->request = request_for(contest, side, options, machine);
    struct row *row = series_add_row(contest->series);
    row->name = result_copy(side->name);
    row->how = result_copy(side->how);
    row->family = side->family;
}

/* Rows move while they are added: only now do they have their place. */
static void settle_rows(struct contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        struct runner_up *side = &contest->sides[i];
        side->row = &contest->series->rows[i];
        side->row->costs = expect(calloc(contest->rounds, sizeof(double)));
    }
}

/* What a lap brought; `counts` unless it was the warm-up round. */
static void take_lap(struct runner_up *side, bool counts)
{
    struct row *row = side->row;
    if (side->result.error[0]) {
        row->trouble = result_copy(side->result.error);
        row->unavailable = side->result.unavailable;
        row->rounds = 0;
        return;
    }
    side->request.count = side->result.count;
    if (!counts)
        return;
    row->costs[row->rounds++] = side->result.cost_ns;
    side->cpu_ns += side->result.cpu_ns;
    side->sleeps += side->result.sleeps;
    for (size_t i = 0; i < BENCH_BUCKETS; i++)
        side->tail[i] += side->result.histogram[i];
}

/* A shuffled order; the same in every run, since nothing depends on its being secret. */
static void shuffle(struct contest *contest, size_t *order)
{
    for (size_t i = 0; i < contest->count; i++)
        order[i] = i;
    for (size_t i = contest->count; i > 1; i--) {
        size_t other = (size_t)rand_r(&contest->seed) % i;
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* Did the hypervisor let it run? */
static bool run_once(struct runner_up *side)
{
    struct load before = load_now();
    lap_run(&side->request, &side->result);
    struct load after = load_now();
    return load_between(&before, &after).stolen <= STOLEN_LIMIT;
}

/* What takes time away comes in spells, so a disturbed lap is repeated a moment later. */
static void run_lap(struct contest *contest, struct runner_up *side)
{
    const struct timespec moment = {0, 30 * MILLISECOND};
    while (!run_once(side) && contest->repeats > 0 && !side->result.error[0]) {
        contest->repeats--;
        nanosleep(&moment, NULL);
    }
}

static void run_round(struct contest *contest, size_t *order, bool counts)
{
    shuffle(contest, order);
    for (size_t i = 0; i < contest->count; i++) {
        struct runner_up *side = &contest->sides[order[i]];
        if (side->row->trouble)
            continue;
        run_lap(contest, side);
        take_lap(side, counts);
    }
}

/* What takes long and no processor goes on for all sides at the same time, once. */
static void run_together(struct contest *contest)
{
    struct lap_request *requests = expect(calloc(contest->count, sizeof(*requests)));
    struct lap_result *results = expect(calloc(contest->count, sizeof(*results)));
    for (size_t i = 0; i < contest->count; i++)
        requests[i] = contest->sides[i].request;
    lap_run_together(requests, contest->count, results);
    for (size_t i = 0; i < contest->count; i++) {
        contest->sides[i].result = results[i];
        take_lap(&contest->sides[i], true);
    }
    free(requests);
    free(results);
}

static void run_rounds(struct contest *contest, const struct conductor_options *options)
{
    size_t *order = expect(calloc(contest->count, sizeof(*order)));
    for (size_t round = 0; round <= contest->rounds; round++) {
        if (options->progress)
            options->progress(contest->experiment->title, placement_name(contest->placement), round,
                              contest->rounds);
        run_round(contest, order, round > 0);
    }
    free(order);
}

/* A small number of them tells as much as a large one. */
static void count_calls(struct runner_up *side)
{
    struct lap_request request = side->request;
    if (request.waiting == BENCH_SPIN || side->row->trouble) /* how often it looks means nothing */
        return;
    request.count = CALLS_OF;
    request.batches = 1;
    request.sample = false;
    request.count_calls = true;
    lap_run(&request, &side->result);
    side->row->calls_known = side->result.error[0] == '\0';
    side->row->calls = side->result.calls;
}

/* Deaths and crowds have too many processes, and waiting is no operation. */
static bool has_calls(const struct experiment *experiment)
{
    switch (experiment->shape) {
    case SHAPE_TAKE_OVER:
    case SHAPE_IDLE:
    case SHAPE_TWO_WRITERS:
    case SHAPE_TWO_WRITERS_APART:
    case SHAPE_FOUR_SENDERS:
    case SHAPE_MANY_TO_MANY:
        return false;
    default:
        return true;
    }
}

/* ---- What came of it -------------------------------------------------------------------------------- */

static void take_tail(struct runner_up *side)
{
    static const double shares[TAILS] = {0.5, 0.9, 0.99, 0.999, 1};
    static uint32_t tail[BENCH_BUCKETS];
    uint64_t total = 0;
    for (size_t i = 0; i < BENCH_BUCKETS; i++) {
        tail[i] = side->tail[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)side->tail[i];
        total += tail[i];
    }
    for (size_t i = 0; total > 0 && i < TAILS; i++)
        side->row->tail_ns[i] = histogram_quantile(tail, shares[i]);
}

static void finish_rows(struct contest *contest)
{
    for (size_t i = 0; i < contest->count; i++) {
        struct runner_up *side = &contest->sides[i];
        if (side->row->rounds == 0)
            continue;
        side->row->cpu_ns = side->cpu_ns / (double)side->row->rounds;
        side->row->sleeps = side->sleeps / (double)side->row->rounds;
        if (contest->experiment->measure == MEASURE_TIME)
            take_tail(side);
    }
}

static struct figures compare_with(const struct row *row, const struct row *base)
{
    struct figures none = {0, 0, 0};
    if (base == NULL || base->rounds == 0 || base->rounds != row->rounds)
        return none;
    return figures_of_ratios(row->costs, base->costs, row->rounds);
}

static void judge_bar(struct series *series, const struct bench_bar *bar)
{
    const struct row *row = series_find_row(series, bar->side);
    const struct row *than = bar->than ? series_find_row(series, bar->than) : NULL;
    if (row == NULL || row->rounds == 0 || (bar->than && (than == NULL || than->rounds == 0)))
        return;
    struct verdict *verdict = series_add_verdict(series);
    verdict->side = result_copy(bar->side);
    verdict->than = result_copy(bar->than);
    verdict->at_most = bar->at_most;
    verdict->found = bar->than ? compare_with(row, than).median : row->cost.median;
    verdict->met = verdict->found <= bar->at_most;
}

void conductor_judge(struct series *series, const struct experiment *experiment,
                     enum bench_placement placement)
{
    const struct row *floor = series_find_row(series, series->floor);
    const struct row *kernel = series_find_row(series, series->kernel);
    for (size_t i = 0; i < series->row_count; i++) {
        struct row *row = &series->rows[i];
        row->cost = figures_of(row->costs, row->rounds);
        row->to_floor = compare_with(row, floor);
        row->to_kernel = compare_with(row, kernel);
    }
    for (size_t i = 0; i < BENCH_BARS && experiment->bars[i].side; i++)
        if (experiment->bars[i].placements & placement)
            judge_bar(series, &experiment->bars[i]);
}

static void warn(struct report *report, const struct series *series)
{
    const struct row *floor = series_find_row(series, series->floor);
    if (series->disturbance.others > NOISE_LIMIT)
        report_add_warning(report, "%s, %s: other programs used %.0f%% of a processor meanwhile",
                           series->name, series->placement, 100 * series->disturbance.others);
    if (series->disturbance.stolen > NOISE_LIMIT / 5)
        report_add_warning(report, "%s, %s: the hypervisor took away %.1f%% of a processor",
                           series->name, series->placement, 100 * series->disturbance.stolen);
    if (floor && figures_spread(&floor->cost) > SPREAD_LIMIT)
        report_add_warning(report, "%s, %s: the floor itself varied by ± %.0f%%", series->name,
                           series->placement, 100 * figures_spread(&floor->cost));
}

/* ---- The run ---------------------------------------------------------------------------------------- */

static void describe(struct series *series, const struct experiment *experiment,
                     enum bench_placement placement)
{
    series->name = result_copy(experiment->name);
    series->title = result_copy(experiment->title);
    series->about = result_copy(experiment->about);
    series->placement = result_copy(placement_name(placement));
    series->measure = experiment->measure;
    series->size_bytes = experiment->size_bytes;
    series->floor = result_copy(experiment->floor);
    series->kernel = result_copy(experiment->kernel);
}

static void run_series(const struct conductor_options *options, const struct experiment *experiment,
                       enum bench_placement placement, const struct bench_side *const *sides,
                       struct report *report)
{
    struct contest contest = {
        .experiment = experiment,
        .placement = placement,
        .rounds = experiment->hold_ns ? 1 : report->rounds,
        .series = report_add_series(report),
    };
    describe(contest.series, experiment, placement);
    for (; *sides; sides++)
        if (experiment_has(experiment, *sides, placement) &&
            wants_side(options, experiment, *sides))
            add_side(&contest, *sides, options, &report->machine);
    settle_rows(&contest);
    contest.repeats = contest.count * contest.rounds;
    int awake = placement == PLACE_AWAKE ? machine_keep_awake() : -1;
    struct load before = load_now();
    if (experiment->hold_ns)
        run_together(&contest);
    else
        run_rounds(&contest, options);
    struct load after = load_now();
    machine_let_sleep(awake);
    for (size_t i = 0; i < contest.count && has_calls(experiment); i++)
        count_calls(&contest.sides[i]);
    contest.series->disturbance = load_between(&before, &after);
    finish_rows(&contest);
    conductor_judge(contest.series, experiment, placement);
    warn(report, contest.series);
    free(contest.sides);
}

/* The placements that the experiment is about, the caller asked for and the machine has. */
static unsigned placements_of(const struct conductor_options *options,
                              const struct experiment *experiment, const struct machine *machine)
{
    unsigned placements = experiment->placements;
    if (options->placements)
        placements &= options->placements;
    if (!machine->has_pair)
        placements &= ~(unsigned)(PLACE_TWO_CORES | PLACE_AWAKE);
    if (!machine->can_keep_awake)
        placements &= ~(unsigned)PLACE_AWAKE;
    return placements;
}

static void begin(const struct conductor_options *options, struct report *report)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof(when), "%F %T UTC", gmtime_r(&now, &utc));
    report->version = result_copy(ferry_version());
    report->when = result_copy(when);
    report->quick = options->quick;
    report->rounds = options->rounds  ? options->rounds
                     : options->quick ? quick.rounds
                                      : thorough.rounds;
    if (!report->machine.has_pair)
        report_add_missing(report, "two cores: this process may use only one");
    if (!report->machine.can_keep_awake)
        report_add_missing(report,
                           "cores kept awake: /dev/cpu_dma_latency cannot be written; run as root");
    if (report->machine.siblings)
        report_add_warning(report, "the two processors are threads of one core");
}

int conductor_run(const struct conductor_options *options, struct report *ret_report)
{
    struct report report = {0};
    int r = machine_look(&report.machine, options->cpu);
    if (r < 0)
        return r;
    begin(options, &report);
    const struct bench_side *const *sides = sides_all(&report);
    for (size_t i = 0; i < experiment_count; i++) {
        if (!conductor_wants(options, &experiments[i]))
            continue;
        unsigned placements = placements_of(options, &experiments[i], &report.machine);
        for (unsigned place = 1; place <= PLACE_ALONE; place <<= 1)
            if (placements & place)
                run_series(options, &experiments[i], (enum bench_placement)place, sides, &report);
    }
    *ret_report = report;
    return 0;
}

/* See read.h.
 *
 * Each get_…() takes one member of a JSON object.  The first that is missing or of the wrong kind is
 * the problem that is told; after it the others do nothing, so that nobody has to look in between. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/json_read.h"
#include "bench/read.h"

struct reader {
    const struct json_value *object; /* whose members are taken now */
    char where[48];                  /* it is: "series 3, row 2: " */
    bool failed;
    struct read_problem *problem;
};

__attribute__((format(printf, 2, 3))) static void fail(struct reader *reader, const char *format,
                                                       ...)
{
    char what[160];
    va_list arguments;
    if (reader->failed)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(reader->problem->text, sizeof(reader->problem->text), "%s%s", reader->where, what);
    reader->failed = true;
}

/* ---- Members ---------------------------------------------------------------------------------------- */

/* NULL after a failure. */
static const struct json_value *get(struct reader *reader, const char *key, enum json_kind kind,
                                    const char *kind_name)
{
    const struct json_value *value = reader->failed ? NULL : json_member(reader->object, key);
    if (value && value->kind == kind)
        return value;
    fail(reader, value ? "\"%s\" is not %s" : "\"%s\", %s, is missing", key, kind_name);
    return NULL;
}

static bool is_null(const struct reader *reader, const char *key)
{
    const struct json_value *value = json_member(reader->object, key);
    return value && value->kind == JSON_NULL;
}

static double get_real(struct reader *reader, const char *key)
{
    const struct json_value *value = get(reader, key, JSON_NUMBER, "a number");
    return value ? value->number : 0;
}

/* A whole number that fits into an int. */
static int get_int(struct reader *reader, const char *key)
{
    double number = get_real(reader, key);
    if (number >= 0 && number <= INT32_MAX && number == (double)(int)number)
        return (int)number;
    fail(reader, "\"%s\" is not a whole number", key);
    return 0;
}

static bool get_bool(struct reader *reader, const char *key)
{
    const struct json_value *value = get(reader, key, JSON_BOOL, "true or false");
    return value && value->truth;
}

static char *get_text(struct reader *reader, const char *key)
{
    const struct json_value *value = get(reader, key, JSON_TEXT, "a text");
    return value ? result_copy(value->text) : NULL;
}

static char *get_text_or_null(struct reader *reader, const char *key)
{
    return is_null(reader, key) ? NULL : get_text(reader, key);
}

static void get_text_into(struct reader *reader, const char *key, char *ret_text, size_t size)
{
    const struct json_value *value = get(reader, key, JSON_TEXT, "a text");
    snprintf(ret_text, size, "%s", value ? value->text : "");
}

/* Which of the words it is. */
static unsigned get_word(struct reader *reader, const char *key, const char *const *words,
                         unsigned count)
{
    const struct json_value *value = get(reader, key, JSON_TEXT, "a text");
    for (unsigned i = 0; value && i < count; i++)
        if (strcmp(value->text, words[i]) == 0)
            return i;
    fail(reader, "\"%s\" is \"%.40s\", which this ferry does not know", key,
         value ? value->text : "");
    return 0;
}

/* ---- Rows ------------------------------------------------------------------------------------------- */

static struct figures get_figures(struct reader *reader, const char *key)
{
    struct figures figures = {0, 0, 0};
    const struct json_value *outer = reader->object;
    if (is_null(reader, key))
        return figures;
    reader->object = get(reader, key, JSON_OBJECT, "an object with low, median and high");
    if (!reader->failed) {
        figures.low = get_real(reader, "low");
        figures.median = get_real(reader, "median");
        figures.high = get_real(reader, "high");
    }
    reader->object = outer;
    return figures;
}

/* It is there where operations were timed one by one. */
static void get_tail(struct reader *reader, struct row *row)
{
    const struct json_value *outer = reader->object;
    if (reader->failed || json_member(outer, "percentiles_ns") == NULL)
        return;
    reader->object = get(reader, "percentiles_ns", JSON_OBJECT, "an object of numbers");
    for (size_t i = 0; !reader->failed && i < TAILS; i++)
        row->tail_ns[i] = get_real(reader, result_tail_words[i]);
    reader->object = outer;
}

static void get_rounds(struct reader *reader, struct row *row)
{
    const struct json_value *list = get(reader, "rounds", JSON_LIST, "a list of numbers");
    for (size_t i = 0; list && i < list->count; i++)
        if (list->items[i].kind != JSON_NUMBER)
            fail(reader, "\"rounds\" is not a list of numbers");
    if (reader->failed || list->count == 0)
        return;
    row->costs = result_array(list->count, sizeof(*row->costs));
    row->rounds = list->count;
    for (size_t i = 0; i < list->count; i++)
        row->costs[i] = list->items[i].number;
}

static void get_row(struct reader *reader, struct row *row)
{
    row->name = get_text(reader, "side");
    row->family =
        (enum bench_family)get_word(reader, "family", result_family_words, RESULT_FAMILIES);
    row->how = get_text_or_null(reader, "how");
    if (json_member(reader->object, "trouble")) {
        row->unavailable = get_bool(reader, "unavailable");
        row->trouble = get_text(reader, "trouble");
        return;
    }
    row->cost.median = get_real(reader, "cost");
    row->cost.low = get_real(reader, "low");
    row->cost.high = get_real(reader, "high");
    row->to_floor = get_figures(reader, "to_floor");
    row->to_kernel = get_figures(reader, "to_kernel");
    get_tail(reader, row);
    row->cpu_ns = get_real(reader, "cpu_ns");
    row->sleeps = get_real(reader, "sleeps");
    row->calls_known = json_member(reader->object, "calls") != NULL;
    if (row->calls_known)
        row->calls = get_real(reader, "calls");
    get_rounds(reader, row);
}

static void get_verdict(struct reader *reader, struct verdict *verdict)
{
    verdict->side = get_text(reader, "side");
    verdict->than = get_text_or_null(reader, "than");
    verdict->at_most = get_real(reader, "at_most");
    verdict->found = get_real(reader, "found");
    verdict->met = get_bool(reader, "met");
}

/* ---- Series ----------------------------------------------------------------------------------------- */

/* Steps into the members of the list, one after the other: false behind the last, or after a
 * failure.  What comes in front of a problem is then "series 3, " and so on. */
struct walk {
    const struct json_value *outer;
    const struct json_value *list;
    size_t next;
    size_t prefix; /* of `where` */
};

static struct walk walk_start(struct reader *reader, const char *key)
{
    struct walk walk = {.outer = reader->object, .prefix = strlen(reader->where)};
    walk.list = get(reader, key, JSON_LIST, "a list");
    return walk;
}

static bool walk_on(struct reader *reader, struct walk *walk, const char *noun)
{
    if (!reader->failed && walk->next < walk->list->count) {
        reader->object = &walk->list->items[walk->next++];
        size_t prefix = walk->prefix >= 2 ? walk->prefix - 2 : 0;
        snprintf(reader->where + prefix, sizeof(reader->where) - prefix,
                 "%s%s %zu: ", prefix ? ", " : "", noun, walk->next);
        return true;
    }
    reader->object = walk->outer;
    if (!reader->failed)
        reader->where[walk->prefix] = '\0';
    return false;
}

static void get_series(struct reader *reader, struct series *series)
{
    series->name = get_text(reader, "name");
    series->title = get_text(reader, "title");
    series->about = get_text(reader, "about");
    series->placement = get_text(reader, "placement");
    series->measure =
        (enum bench_measure)get_word(reader, "measure", result_measure_words, RESULT_MEASURES);
    series->size_bytes = (size_t)get_int(reader, "size_bytes");
    series->floor = get_text_or_null(reader, "floor");
    series->kernel = get_text_or_null(reader, "kernel");
    series->disturbance.others = get_real(reader, "others");
    series->disturbance.stolen = get_real(reader, "stolen");
    struct walk rows = walk_start(reader, "rows");
    while (walk_on(reader, &rows, "row"))
        get_row(reader, series_add_row(series));
    struct walk bars = walk_start(reader, "bars");
    while (walk_on(reader, &bars, "bar"))
        get_verdict(reader, series_add_verdict(series));
}

/* ---- The run ---------------------------------------------------------------------------------------- */

static void get_machine(struct reader *reader, struct machine *machine)
{
    const struct json_value *outer = reader->object;
    const struct json_value *own = get(reader, "machine", JSON_OBJECT, "an object");
    if (own == NULL)
        return;
    reader->object = own;
    snprintf(reader->where, sizeof(reader->where), "machine: ");
    get_text_into(reader, "processor", machine->processor, sizeof(machine->processor));
    get_text_into(reader, "system", machine->system, sizeof(machine->system));
    get_text_into(reader, "note", machine->note, sizeof(machine->note));
    machine->cpus = get_int(reader, "cpus");
    machine->siblings = get_bool(reader, "siblings");
    machine->can_keep_awake = get_bool(reader, "can_keep_awake");
    const struct json_value *used = get(reader, "used", JSON_LIST, "a list of two processors");
    for (size_t i = 0; used && i < 2; i++) {
        if (used->count != 2 || used->items[i].kind != JSON_NUMBER || used->items[i].number < 0 ||
            used->items[i].number > INT32_MAX)
            fail(reader, "\"used\" is not a list of two processors");
        else
            machine->cpu[i] = (int)used->items[i].number;
    }
    machine->has_pair = machine->cpu[0] != machine->cpu[1];
    reader->object = outer;
    if (!reader->failed)
        reader->where[0] = '\0';
}

static void get_lines(struct reader *reader, const char *key, struct report *report,
                      void (*add)(struct report *report, const char *format, ...))
{
    const struct json_value *list = get(reader, key, JSON_LIST, "a list of texts");
    for (size_t i = 0; list && i < list->count; i++) {
        if (list->items[i].kind == JSON_TEXT)
            add(report, "%s", list->items[i].text);
        else
            fail(reader, "\"%s\" is not a list of texts", key);
    }
}

static void check_format(struct reader *reader)
{
    int format = get_int(reader, "format");
    if (!reader->failed && format != BENCH_FORMAT)
        fail(reader,
             "it has format %d, and this ferry reads %d: use a ferry as new as the one that wrote "
             "it, or measure anew",
             format, BENCH_FORMAT);
}

static void get_report(struct reader *reader, struct report *report)
{
    if (reader->object->kind != JSON_OBJECT)
        fail(reader, "it is JSON, but not a run of the bench");
    check_format(reader);
    report->version = get_text(reader, "ferry");
    report->when = get_text(reader, "when");
    get_machine(reader, &report->machine);
    report->quick = get_bool(reader, "quick");
    report->rounds = (size_t)get_int(reader, "rounds");
    struct walk series = walk_start(reader, "series");
    while (walk_on(reader, &series, "series"))
        get_series(reader, report_add_series(report));
    get_lines(reader, "missing", report, report_add_missing);
    get_lines(reader, "warnings", report, report_add_warning);
}

/* The whole file, one byte more than is allowed at most.  -ENOMEM, -EFBIG, or the error of reading. */
static int slurp(FILE *in, char **ret_bytes, size_t *ret_length)
{
    size_t room = 1 << 16, length = 0;
    char *bytes = NULL;
    errno = 0;
    for (;;) {
        char *grown = realloc(bytes, room);
        if (grown == NULL) {
            free(bytes);
            return -ENOMEM;
        }
        bytes = grown;
        length += fread(bytes + length, 1, room - length, in);
        if (length < room || length > JSON_MOST_BYTES)
            break;
        room *= 2;
    }
    if (ferror(in) || length > JSON_MOST_BYTES) {
        free(bytes);
        return length > JSON_MOST_BYTES || errno == 0 ? -EFBIG : -errno;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

static int parse(const char *bytes, size_t length, struct json_value **ret_value,
                 struct read_problem *ret_problem)
{
    struct json_problem problem;
    int r = json_read(bytes, length, ret_value, &problem);
    if (r < 0)
        snprintf(ret_problem->text, sizeof(ret_problem->text), "line %zu: not JSON: %s",
                 problem.line, problem.what);
    return r;
}

int report_read(FILE *in, struct report *ret_report, struct read_problem *ret_problem)
{
    char *bytes = NULL;
    size_t length = 0;
    struct json_value *value;
    struct report report = {0};
    int r = slurp(in, &bytes, &length);
    if (r < 0)
        return r;
    r = parse(bytes, length, &value, ret_problem);
    free(bytes);
    if (r < 0)
        return r;
    struct reader reader = {.object = value, .problem = ret_problem};
    get_report(&reader, &report);
    json_value_free(value);
    if (reader.failed) {
        report_deinit(&report);
        return -EBADMSG;
    }
    *ret_report = report;
    return 0;
}

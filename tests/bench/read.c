/* Saved runs: what is read is what was saved, whatever else the bytes are costs an error, and what
 * two runs have in common and not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/compare.h"
#include "bench/json_read.h"
#include "bench/read.h"
#include "test.h"

/* In text, so that a case can see what it changes; the report's name is the framework's, too. */
#define HEAD                                                                                       \
    "{\"format\": 1, \"ferry\": \"0.1\", \"when\": \"now\", \"machine\": {\"processor\": \"p\", "  \
    "\"system\": \"s\", \"note\": \"n\", \"cpus\": 2, \"siblings\": false, "                       \
    "\"can_keep_awake\": true, \"used\": [1, 0]}, \"quick\": false, \"rounds\": 12, \"series\": "  \
    "[{\"name\": \"lock-pair\", \"title\": \"t\", \"about\": \"a\", \"placement\": \"one\", "      \
    "\"measure\": \"time\", \"size_bytes\": 0, \"floor\": \"floor\", \"kernel\": null, "           \
    "\"others\": 0, \"stolen\": 0, \"rows\": ["
#define TAIL                                                                                       \
    "], \"bars\": [{\"side\": \"x\", \"than\": null, \"at_most\": 1.5, \"found\": 1, \"met\": "    \
    "true}]}], \"missing\": [\"\\u00e9\\ud83d\\ude00\"], \"warnings\": []}"
#define ROW(side, rounds) ROW_OF("ferry", side, rounds)
#define ROW_OF(family, side, rounds)                                                               \
    "{\"side\": \"" side "\", \"family\": \"" family                                               \
    "\", \"how\": null, \"cost\": 1.25, \"low\": 1, "                                              \
    "\"high\": 2, \"to_floor\": null, \"to_kernel\": {\"low\": 1, \"median\": 2, \"high\": 3}, "   \
    "\"percentiles_ns\": {\"50\": 1, \"90\": 2, \"99\": 3, \"99.9\": 4, \"100\": 5}, "             \
    "\"cpu_ns\": 1, \"sleeps\": 0, \"rounds\": [" rounds "]}"
#define FLOOR      ROW_OF("floor", "floor", "10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10")
#define QUICKLY    "15, 15.1, 15.2, 15.3, 15.4, 15.5, 15.6, 15.7, 15.8, 15.9, 16, 30"
#define SLOWLY     "20, 20.1, 20.2, 20.3, 20.4, 20.5, 20.6, 20.7, 20.8, 20.9, 21, 22"
#define FAST       ROW("x", QUICKLY)
#define SLOW       ROW("x", SLOWLY)
#define OTHER_FAST ROW_OF("libc", "other", QUICKLY)
#define OTHER_SLOW ROW_OF("libc", "other", SLOWLY)
#define FAILS                                                                                      \
    "{\"side\": \"x\", \"family\": \"peer\", \"how\": \"h\", \"unavailable\": false, "             \
    "\"trouble\": \"it broke\"}"

static int read_bytes(const char *bytes, size_t length, struct report *ret_report,
                      struct read_problem *ret_problem)
{
    FILE *in = fmemopen((void *)(uintptr_t)bytes, length, "r");
    CHECK(in != NULL);
    int r = report_read(in, ret_report, ret_problem);
    fclose(in);
    return r;
}

static struct report read_sound(const char *text)
{
    struct report report;
    struct read_problem problem = {""};
    if (read_bytes(text, strlen(text), &report, &problem) < 0)
        test_fail(__FILE__, __LINE__, "%s", problem.text);
    return report;
}

static void check_problem(const char *text, const char *expected)
{
    struct report report;
    struct read_problem problem = {""};
    CHECK_EQ(read_bytes(text, strlen(text), &report, &problem), -EBADMSG);
    CHECK_CONTAINS(problem.text, expected);
}

TEST(everything_is_read) // read.h
{
    struct report report = read_sound(HEAD FLOOR ", " FAST ", " FAILS TAIL);
    const struct series *series = &report.series[0];
    CHECK_EQ(report.rounds, 12);
    CHECK_EQ(report.machine.cpu[0], 1);
    CHECK(report.machine.has_pair && report.machine.can_keep_awake);
    CHECK_EQ(series->row_count, 3);
    CHECK_EQ(series->rows[1].rounds, 12);
    CHECK(series->rows[1].costs[11] > 29 && series->rows[1].tail_ns[TAIL_MOST] > 4);
    CHECK_STR(series->rows[2].trouble, "it broke");
    CHECK_EQ(series->rows[2].family, BENCH_PEER);
    CHECK_STR(series->kernel, NULL);
    CHECK(series->verdicts[0].met);
    CHECK_STR(report.missing[0], "é😀");
    report_deinit(&report);
}

TEST(what_is_wrong_is_told_with_its_place) // read.h
{
    check_problem(HEAD FLOOR ", " ROW("x", "1, null") TAIL,
                  "series 1, row 2: \"rounds\" is not a list of numbers");
    check_problem(HEAD "17" TAIL, "series 1, row 1: \"side\", a text, is missing");
    check_problem("{\"format\": 2}", "format 2, and this ferry reads 1");
    check_problem("[]", "not a run");
    check_problem("{\"format\": 1e999}", "line 1: not JSON: a number that is too large");
    check_problem("{\n\"a\": \"\\u0000\"}", "line 2: not JSON");
    check_problem("\"\xc0\xaf\"", "not UTF-8");
    check_problem("\"\\ud800\"", "not JSON");
    check_problem("{} x", "behind the end");
    check_problem("[1,]", "not JSON");
    check_problem("[01]", "not JSON");
}

/* Whatever it says, it comes back, and leaves nothing behind. */
static void survive(const char *bytes, size_t length)
{
    struct report report;
    struct read_problem problem = {""};
    int r = read_bytes(bytes, length, &report, &problem);
    CHECK(r == 0 || r == -EBADMSG);
    if (r == 0)
        report_deinit(&report);
}

TEST_LONG(any_bytes_are_survived, 120) // json_read.h
{
    const char whole[] = HEAD FLOOR ", " FAST ", " FAILS TAIL;
    static const unsigned char flips[] = {0x01, 0x02, 0x20, 0x80, 0xff};
    char *bytes = malloc(sizeof(whole));
    CHECK(bytes != NULL);
    for (size_t length = 1; length < sizeof(whole) - 1; length++) {
        char *cut = malloc(length);
        CHECK(cut != NULL);
        memcpy(cut, whole, length);
        survive(cut, length);
        free(cut);
    }
    for (size_t at = 0; at < sizeof(whole) - 1; at++)
        for (size_t flip = 0; flip < sizeof(flips); flip++) {
            memcpy(bytes, whole, sizeof(whole));
            bytes[at] = (char)(bytes[at] ^ flips[flip]);
            survive(bytes, sizeof(whole) - 1);
        }
    free(bytes);
}

TEST(deep_and_endless_input_is_refused) // json_read.h
{
    size_t length = JSON_MOST_BYTES + 2;
    char *bytes = malloc(length);
    struct json_value *value;
    struct json_problem problem;
    CHECK(bytes != NULL);
    memset(bytes, '[', length);
    CHECK_ERR(json_read(bytes, 1 << 20, &value, &problem), EBADMSG);
    CHECK_STR(problem.what, "too deep a nesting");
    CHECK_ERR(json_read(bytes, length, &value, &problem), EBADMSG);
    for (size_t i = 1; i < length; i++)
        bytes[i] = i % 2 ? '0' : ',';
    CHECK_ERR(json_read(bytes, length - 10, &value, &problem), EBADMSG);
    CHECK_STR(problem.what, "too many values");
    free(bytes);
}

static struct comparison compared(struct report *before, struct report *after)
{
    struct comparison comparison;
    compare_reports(before, after, &comparison);
    return comparison;
}

TEST(a_change_beyond_noise_is_told_either_way_round) // compare.h
{
    struct report fast = read_sound(HEAD FLOOR ", " FAST ", " OTHER_FAST TAIL);
    struct report slow = read_sound(HEAD FLOOR ", " SLOW ", " OTHER_FAST TAIL);
    struct comparison comparison = compared(&fast, &slow);
    CHECK_EQ(comparison.change_count, 1);
    CHECK_EQ(comparison.changes[0].kind, CHANGE_SLOWER);
    CHECK(comparison.changes[0].to_floor && comparison.changes[0].after > 2);
    CHECK_EQ(comparison.caveat_count, 0);
    comparison_deinit(&comparison);
    comparison = compared(&slow, &fast);
    CHECK_EQ(comparison_count(&comparison, CHANGE_FASTER), 1);
    comparison_deinit(&comparison);
    comparison = compared(&fast, &fast);
    CHECK_EQ(comparison.change_count, 0);
    CHECK_EQ(comparison.same, 1);
    comparison_deinit(&comparison);
    report_deinit(&fast);
    report_deinit(&slow);
}

TEST(what_moved_the_others_as_well_is_no_change) // compare.c
{
    struct report before = read_sound(HEAD FLOOR ", " FAST ", " OTHER_FAST TAIL);
    struct report after = read_sound(HEAD FLOOR ", " SLOW ", " OTHER_SLOW TAIL);
    struct comparison comparison = compared(&before, &after);
    CHECK_EQ(comparison.change_count, 0);
    CHECK_EQ(comparison.same, 1);
    CHECK_EQ(comparison.caveat_count, 1);
    CHECK_CONTAINS(comparison.caveats[0], "lock-pair, one: x took 1.32 times as long");
    CHECK_CONTAINS(comparison.caveats[0], "the others, which have not changed, moved");
    comparison_deinit(&comparison);
    report_deinit(&before);
    report_deinit(&after);
}

TEST(without_others_a_side_must_move_further) // compare.c
{
    struct report before = read_sound(HEAD FLOOR ", " FAST TAIL);
    struct report after = read_sound(HEAD FLOOR ", " SLOW TAIL);
    struct comparison comparison = compared(&before, &after);
    CHECK_EQ(comparison.change_count, 0);
    comparison_deinit(&comparison);
    report_deinit(&before);
    report_deinit(&after);
    before = read_sound(HEAD FLOOR ", " FAST ", " OTHER_SLOW TAIL);
    after = read_sound(HEAD FLOOR ", " SLOW ", " OTHER_SLOW TAIL);
    comparison = compared(&before, &after);
    CHECK_EQ(comparison_count(&comparison, CHANGE_SLOWER), 1);
    CHECK_EQ(comparison.caveat_count, 0);
    comparison_deinit(&comparison);
    report_deinit(&before);
    report_deinit(&after);
}

TEST(sides_that_fail_are_told) // compare.h
{
    struct report sound = read_sound(HEAD FLOOR ", " FAST TAIL);
    struct report failing = read_sound(HEAD FLOOR ", " FAILS TAIL);
    struct comparison comparison = compared(&sound, &failing);
    CHECK_EQ(comparison_count(&comparison, CHANGE_FAILS), 1);
    CHECK_STR(comparison.changes[0].trouble, "it broke");
    comparison_deinit(&comparison);
    comparison = compared(&failing, &sound);
    CHECK_EQ(comparison_count(&comparison, CHANGE_WORKS), 1);
    comparison_deinit(&comparison);
    report_deinit(&sound);
    report_deinit(&failing);
}

TEST(what_only_one_run_measured_is_a_caveat) // compare.h
{
    struct report less = read_sound(HEAD FLOOR ", " FAST TAIL);
    struct report more = read_sound(HEAD FLOOR ", " FAST ", " OTHER_FAST ", " ROW("y", "1") TAIL);
    struct comparison comparison = compared(&less, &more);
    CHECK_EQ(comparison.change_count, 0);
    CHECK_EQ(comparison.caveat_count, 1);
    CHECK_STR(comparison.caveats[0], "only in the new run: lock-pair, one: other, and 1 more");
    comparison_deinit(&comparison);
    more.series[0].name[0] = 'L';
    comparison = compared(&less, &more);
    CHECK_EQ(comparison.caveat_count, 2);
    CHECK_STR(comparison.caveats[0], "only in the old run: lock-pair, one: floor, and 1 more");
    comparison_deinit(&comparison);
    report_deinit(&less);
    report_deinit(&more);
}

TEST(few_rounds_and_another_machine_are_said) // compare.h
{
    struct report before =
        read_sound(HEAD ROW_OF("floor", "floor", "1, 1, 1") ", " ROW("x", "2, 2, 2") TAIL);
    struct report after =
        read_sound(HEAD ROW_OF("floor", "floor", "1, 1, 1") ", " ROW("x", "9, 9, 9") TAIL);
    snprintf(after.machine.processor, sizeof(after.machine.processor), "q");
    struct comparison comparison = compared(&before, &after);
    CHECK_EQ(comparison.change_count, 0);
    CHECK_EQ(comparison.untold, 1);
    CHECK_EQ(comparison.enough_rounds, 7);
    CHECK_EQ(comparison.caveat_count, 1);
    CHECK_CONTAINS(comparison.caveats[0], "another processor: p before, q now");
    comparison_deinit(&comparison);
    report_deinit(&before);
    report_deinit(&after);
}

/* What is formatted into markup stays text, whatever its bytes; the axes' ends and labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/markup.h"
#include "bench/scale.h"
#include "test.h"

/* Checks what a text becomes. */
static void expect_text(const char *text, const char *wanted)
{
    char *written = NULL;
    size_t length;
    FILE *out = open_memstream(&written, &length);
    markup(out, "<b>%s</b>", text);
    fclose(out);
    CHECK(strncmp(written, "<b>", 3) == 0 && strcmp(written + length - 4, "</b>") == 0);
    written[length - 4] = '\0';
    CHECK_STR(written + 3, wanted);
    free(written);
}

TEST(marks_of_markup_are_escaped)
{
    expect_text("<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    expect_text("100%s %n", "100%s %n");
    expect_text("12 µs × 3 …", "12 µs × 3 …");
    expect_text(NULL, "");
}

TEST(bytes_that_are_not_utf8_and_hidden_characters_are_spelt_out)
{
    expect_text("a\x1b[2J\n", "a\\x1b[2J\\x0a");
    expect_text("\xff\xc0\x80", "\\xff\\xc0\\x80");
    expect_text("\xed\xa0\x80", "\\xed\\xa0\\x80");
    expect_text("cut \xe2\x82", "cut \\xe2\\x82");
    expect_text("\xef\xbf\xbf", "\\xef\\xbf\\xbf");
    expect_text("\xe2\x80\xae"
                "back",
                "\\xe2\\x80\\xae"
                "back");
}

TEST(numbers_that_are_none_do_not_get_into_markup)
{
    char *written = NULL;
    size_t length;
    FILE *out = open_memstream(&written, &length);
    markup(out, "%.2f%% %.2f %g %d %zu", (double)NAN, (double)INFINITY, 0.5, -3, (size_t)7);
    fclose(out);
    CHECK_STR(written, "0.00% 0.00 0.5 -3 7");
    free(written);
}

TEST(names_are_shortened_between_characters)
{
    CHECK_STR(markup_shorten("segment", 7).text, "segment");
    CHECK_STR(markup_shorten("segments", 7).text, "segmen…");
    CHECK_STR(markup_shorten("µµµµ", 3).text, "µµ…");
}

TEST(axis_begins_at_nothing_unless_the_values_span_too_much)
{
    struct scale scale = scale_of(MEASURE_TIME, 300, 900);
    CHECK(!scale.logarithmic && scale_place(&scale, 0) <= 0 && scale.tick_count <= 6);
    CHECK(scale_place(&scale, 900) <= 100 && scale_place(&scale, 450) > 30);
    scale = scale_of(MEASURE_COUNT, 0, 400);
    CHECK(!scale.logarithmic);
    scale = scale_of(MEASURE_TIME, 12, 7e6);
    CHECK(scale.logarithmic && scale.low > 0 && scale_place(&scale, 12) > 0);
    CHECK_STR(scale_words(&scale, 1e6).text, "1 ms");
}

TEST(axis_of_nothing_is_an_axis)
{
    struct scale scale = scale_of(MEASURE_TIME, 1e300, 0);
    CHECK(scale.high > 0 && scale.tick_count > 0 && scale_place(&scale, 0) <= 0);
    CHECK(isfinite(scale_place(&scale, NAN)));
}

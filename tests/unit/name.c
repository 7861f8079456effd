/* What is a name and what is not (contract U1), and that each refusal says why. */
#include <errno.h>
#include <stdio.h>

#include <ferry/ferry.h>

#include "test.h"

static void accept(const char *name)
{
    CHECK_OK(ferry_name_check(name));
}

/* Refused, with these words in the explanation. */
static void refuse(const char *name, const char *why)
{
    CHECK_ERR(ferry_name_check(name), EINVAL);
    CHECK_CONTAINS(ferry_explain(), why);
}

TEST(ordinary_names_are_names) /* U1 */
{
    accept("a");
    accept("hello");
    accept("eu.orders");
    accept("a..b.");
    accept("a-b_c+d=e,f");
    accept("12345");
    accept("two words");
    accept("~");
    accept("grüße");
    accept("注文");
    accept("\xF0\x9F\x9A\xA2");         /* U+1F6A2, four bytes */
    accept("\xF4\x8F\xBF\xBF");         /* U+10FFFF, the last one */
    accept("\xED\x9F\xBF");             /* U+D7FF, just below the surrogates */
    accept("\xEE\x80\x80");             /* U+E000, just above them */
    accept("\xC2\xA0");                 /* U+00A0, just above the controls */
    accept("\xE2\x80\xA7\xE2\x80\xAA"); /* U+2027 and U+202A, around the separators */
}

TEST(a_name_is_not_empty) /* U1 */
{
    refuse(NULL, "at least one character");
    refuse("", "at least one character");
}

TEST(a_name_has_at_most_200_bytes) /* U1 */
{
    char name[FERRY_NAME_SIZE];
    memset(name, 'n', sizeof(name));
    name[200] = '\0';
    accept(name);
    name[200] = 'n';
    name[201] = '\0';
    refuse(name, "at most 200 bytes");

    /* Bytes count, not characters: 67 of three bytes are 201. */
    for (size_t at = 0; at < 201; at += 3)
        memcpy(name + at, "\xE6\xB3\xA8", 3);
    refuse(name, "at most 200 bytes");
    name[198] = '\0';
    accept(name);
}

TEST(a_very_long_text_is_refused_without_reading_it_all) /* U1 */
{
    static char text[1 << 20];
    memset(text, 'n', sizeof(text) - 1);
    refuse(text, "at most 200 bytes");
    CHECK(strlen(ferry_explain()) < 200);
}

TEST(a_name_has_no_slash) /* U1 */
{
    refuse("/", "no slash");
    refuse("a/b", "no slash");
    refuse("a/", "no slash");
    refuse("..", "begin with a dot");
    refuse("../up", "begin with a dot");
}

TEST(a_name_does_not_begin_with_a_dot_or_a_dash) /* U1 */
{
    refuse(".", "begin with a dot");
    refuse(".hidden", "begin with a dot");
    refuse("-", "begin with a dash");
    refuse("--help", "begin with a dash");
}

TEST(every_control_character_is_refused_wherever_it_stands) /* U1 */
{
    char name[8];
    for (int byte = 1; byte < 0x20; byte++) {
        snprintf(name, sizeof(name), "%c", byte);
        refuse(name, "no control characters; byte 1");
        snprintf(name, sizeof(name), "ab%c", byte);
        refuse(name, "no control characters; byte 3");
    }
    refuse("a\x7F", "no control characters");
    for (int point = 0x80; point < 0xA0; point++) {
        snprintf(name, sizeof(name), "a\xC2%c", point);
        refuse(name, "no control characters");
    }
    refuse("a\xE2\x80\xA8", "no control characters"); /* U+2028 ends a line */
    refuse("a\xE2\x80\xA9", "no control characters"); /* U+2029 */
}

TEST(what_is_not_utf8_is_refused) /* U1 */
{
    const char *const bad[] = {
        "\x80",             /* a continuation without a beginning */
        "\xBF",             /* another */
        "\xC0\xAF",         /* overlong: a slash in two bytes */
        "\xC1\xBF",         /* overlong in two */
        "\xE0\x80\xAF",     /* overlong: a slash in three */
        "\xE0\x9F\xBF",     /* overlong in three */
        "\xF0\x80\x80\xAF", /* overlong: a slash in four */
        "\xF0\x8F\xBF\xBF", /* overlong in four */
        "\xED\xA0\x80",     /* U+D800, the first surrogate */
        "\xED\xBF\xBF",     /* U+DFFF, the last */
        "\xF4\x90\x80\x80", /* U+110000 */
        "\xF7\xBF\xBF\xBF", /* far beyond */
        "\xF8\x88\x80\x80\x80",
        "\xFC\x84\x80\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3",         /* cut short */
        "\xE6\xB3",     /* cut short */
        "\xF0\x9F\x9A", /* cut short */
        "\xC3(",        /* a beginning without its continuation */
        "\xE6\xB3(",
        "\xF0\x9F\x9A(",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char name[16];
        refuse(bad[i], "UTF-8");
        snprintf(name, sizeof(name), "ok%s", bad[i]);
        refuse(name, "byte 3 of this one");
    }
}

TEST(a_key_is_a_name_in_one_spelling_only) /* U1, H1 */
{
    accept("key:0x0104abcd");
    accept("key:0x00000000");
    accept("key:0xffffffff");
    const char *const bad[] = {
        "key:",           "key:0x",          "key:0x104abcd",  "key:0x0104abcde",
        "key:0x0104ABCD", "key:0X0104abcd",  "key:0104abcd",   "key:0x0104abcg",
        "KEY:0x0104abcd", "xkey:0x0104abcd", "key:0x0104abc ", "key:0x0104abc:",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuse(bad[i], "no colon");
}

TEST(a_name_has_no_colon) /* U1 */
{
    refuse("a:b", "no colon");
    refuse("shm:17", "no colon");
    refuse("held:1:2", "no colon");
    refuse("x:data:0123456789abcdef", "no colon");
}

TEST(an_explanation_of_a_name_is_one_printable_line) /* U4 */
{
    CHECK_ERR(ferry_name_check("a/b\nc\x1B[2J\x7F"), EINVAL);
    for (const char *at = ferry_explain(); *at != '\0'; at++)
        CHECK((unsigned char)*at >= 0x20 && *at != 0x7F);
}

/* Sizes and durations as people write them (contract U3). */
#include <errno.h>

#include <ferry/ferry.h>

#include "base/number.h"
#include "test.h"

static void size_is(const char *text, uint64_t expected)
{
    uint64_t bytes = 77;
    CHECK_OK(number_parse_size(text, &bytes));
    CHECK_EQ(bytes, expected);
}

static void duration_is(const char *text, int64_t expected)
{
    int64_t ns = 77;
    CHECK_OK(number_parse_duration(text, &ns));
    CHECK_EQ(ns, expected);
}

/* Refused with that code, the text in the explanation, the output untouched. */
static void no_size(const char *text, int code)
{
    uint64_t bytes = 77;
    CHECK_EQ(number_parse_size(text, &bytes), -code);
    CHECK_EQ(bytes, 77);
    CHECK_CONTAINS(ferry_explain(), text);
}

static void no_duration(const char *text, int code)
{
    int64_t ns = 77;
    CHECK_EQ(number_parse_duration(text, &ns), -code);
    CHECK_EQ(ns, 77);
    CHECK_CONTAINS(ferry_explain(), text);
}

TEST(sizes_are_bytes_or_powers_of_1024) /* U3 */
{
    size_is("0", 0);
    size_is("1", 1);
    size_is("4097", 4097);
    size_is("007", 7);
    size_is("64K", 65536);
    size_is("1M", 1048576);
    size_is("2G", UINT64_C(2147483648));
    size_is("1T", UINT64_C(1) << 40);
    size_is("0K", 0);
}

TEST(the_largest_size_is_two_to_the_63_less_one) /* U3 */
{
    size_is("9223372036854775807", INT64_MAX);
    size_is("8388607T", UINT64_C(8388607) << 40);
    no_size("9223372036854775808", ERANGE);
    no_size("18446744073709551615", ERANGE);
    no_size("18446744073709551616", ERANGE);
    no_size("99999999999999999999999999", ERANGE);
    no_size("8388608T", ERANGE);
    no_size("16777216T", ERANGE);
    no_size("18446744073709551615K", ERANGE);
    no_size("99999999999999999999999999K", ERANGE);
}

TEST(rubbish_is_no_size) /* U3 */
{
    const char *const bad[] = {"",
                               " ",
                               "K",
                               "-1",
                               "+1",
                               " 1",
                               "1 ",
                               "1 K",
                               "1k",
                               "1KB",
                               "1Ki",
                               "1.5K",
                               "0x10",
                               "1e3",
                               "1P",
                               "12a",
                               "--1",
                               "1K1K",
                               "１",
                               "1,000",
                               "M1",

                               "99999999999999999999x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        no_size(bad[i], EINVAL);
}

TEST(durations_take_seven_units) /* U3 */
{
    duration_is("0", 0);
    duration_is("0s", 0);
    duration_is("50ns", 50);
    duration_is("10us", 10000);
    duration_is("10µs", 10000);
    duration_is("100ms", 100000000);
    duration_is("2s", 2000000000);
    duration_is("5m", INT64_C(300000000000));
    duration_is("1h", INT64_C(3600000000000));
}

TEST(durations_take_fractions) /* U3 */
{
    duration_is("1.5s", 1500000000);
    duration_is("0.1ms", 100000);
    duration_is("1.000000001s", 1000000001);
    duration_is("1.0000000019s", 1000000001); /* finer than a nanosecond: cut off */
    duration_is("1.99999999999999999999999s", 1999999999);
    duration_is("1.9ns", 1);
    duration_is("1.5h", INT64_C(5400000000000));
    duration_is("0.5m", INT64_C(30000000000));
}

TEST(the_longest_duration_is_292_years) /* U3 */
{
    duration_is("9223372036854775807ns", INT64_MAX);
    duration_is("2562047h", INT64_C(2562047) * 3600000000000);
    no_duration("9223372036854775808ns", ERANGE);
    no_duration("9223372036.9s", ERANGE);
    no_duration("2562048h", ERANGE);
    no_duration("99999999999999999999999h", ERANGE);
    no_duration("18446744073709551615ns", ERANGE);
}

TEST(rubbish_is_no_duration) /* U3 */
{
    const char *const bad[] = {"",     "s",     "1",      "10",   "-1s",  "+1s",     " 1s",  "1s ",
                               "1 s",  "1S",    "1sec",   "1d",   ".5s",  "1.s",     "1.5",  "0.0",
                               "0x1s", "1..5s", "1.5.5s", "1e3s", "1s1s", "forever", "1m30s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        no_duration(bad[i], EINVAL);
}

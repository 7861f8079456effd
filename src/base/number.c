/* Parsing of sizes and durations.  Whole-text matches only: what is left over is an error, and so
 * is a sign, white space, or anything that does not fit. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

/* Reads decimal digits; moves *text behind them.  False if there are none.  What does not fit
 * becomes UINT64_MAX, which is beyond every bound here. */
static bool take_digits(const char **text, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *start = *text;
    for (; **text >= '0' && **text <= '9'; ++*text)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
            value = UINT64_MAX;
    *ret_value = value;
    return *text != start;
}

int number_parse_size(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    const char *rest = text;
    uint64_t value;
    if (!take_digits(&rest, &value))
        return fail(-EINVAL, "\"%s\" is not a size; write bytes, or 64K, 1M, 2G", text);
    if (*rest != '\0') {
        const char *unit = strchr(units, *rest);
        if (unit == NULL || rest[1] != '\0')
            return fail(-EINVAL, "\"%s\" is not a size; write bytes, or 64K, 1M, 2G", text);
        if (__builtin_mul_overflow(value, UINT64_C(1) << (10 * (unit - units + 1)), &value))
            return fail(-ERANGE, "\"%s\" is beyond any size", text);
    }
    if (value > INT64_MAX)
        return fail(-ERANGE, "\"%s\" is beyond any size", text);
    *ret_bytes = value;
    return 0;
}

struct unit {
    const char *name;
    uint64_t ns;
};

static uint64_t unit_ns(const char *name)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"µs", 1000},
        {"ms", 1000000},
        {"s", 1000000000},
        {"m", UINT64_C(60000000000)},
        {"h", UINT64_C(3600000000000)},
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(name, units[i].name) == 0)
            return units[i].ns;
    return 0;
}

/* The digits behind a decimal point, as nanoseconds of a unit; finer ones are cut off. */
static uint64_t take_fraction(const char **text, uint64_t unit)
{
    uint64_t sum = 0;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        unit /= 10;
        sum += unit * (uint64_t)(**text - '0');
    }
    return sum;
}

int number_parse_duration(const char *text, int64_t *ret_ns)
{
    const char *rest = text;
    uint64_t value;
    if (!take_digits(&rest, &value))
        return fail(-EINVAL, "\"%s\" is not a duration; write 100ms, 2s, 5m, 1h", text);
    if (value == 0 && *rest == '\0') {
        *ret_ns = 0;
        return 0;
    }
    const char *fraction = *rest == '.' ? rest + 1 : NULL;
    const char *name = fraction ? fraction + strspn(fraction, "0123456789") : rest;
    uint64_t unit = unit_ns(name);
    if (unit == 0 || (fraction && name == fraction))
        return fail(-EINVAL, "\"%s\" is not a duration; write a unit, as in 100ms, 2s, 5m, 1h",
                    text);
    if (__builtin_mul_overflow(value, unit, &value) ||
        (fraction && __builtin_add_overflow(value, take_fraction(&fraction, unit), &value)) ||
        value > INT64_MAX)
        return fail(-ERANGE, "\"%s\" is longer than a timeout can be; leave it out to wait forever",
                    text);
    *ret_ns = (int64_t)value;
    return 0;
}

/* See text.h. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"

/* The largest unit that divides it, so that nothing is rounded away. */
struct phrase phrase_size(uint64_t bytes)
{
    static const char units[] = "KMGT";
    struct phrase phrase;
    size_t unit = 0;
    while (unit < strlen(units) && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(phrase.text, sizeof(phrase.text), "%" PRIu64 "%.*s", bytes, unit ? 1 : 0,
             unit ? units + unit - 1 : "");
    return phrase;
}

struct phrase phrase_count(uint64_t count)
{
    char digits[24];
    struct phrase phrase = {""};
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = phrase.text;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    return phrase;
}

/* Three digits are as many as a time that is measured once deserves. */
struct phrase phrase_duration(int64_t ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    double value = (double)ns;
    size_t unit = 0;
    while (value >= 999.5 && unit < 3) {
        value /= 1000;
        unit++;
    }
    struct phrase phrase;
    snprintf(phrase.text, sizeof(phrase.text), "%.*f %s",
             unit == 0 || value >= 99.95 ? 0
             : value >= 9.995            ? 1
                                         : 2,
             value, units[unit]);
    return phrase;
}

struct phrase phrase_age(int64_t unix_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t seconds = now.tv_sec - unix_ms / 1000;
    struct phrase phrase;
    if (unix_ms == 0)
        snprintf(phrase.text, sizeof(phrase.text), "never");
    else if (seconds < 1)
        snprintf(phrase.text, sizeof(phrase.text), "just now");
    else if (seconds < 120)
        snprintf(phrase.text, sizeof(phrase.text), "%" PRId64 " s ago", seconds);
    else if (seconds < 2 * 3600)
        snprintf(phrase.text, sizeof(phrase.text), "%" PRId64 " min ago", seconds / 60);
    else if (seconds < 2 * 86400)
        snprintf(phrase.text, sizeof(phrase.text), "%" PRId64 " h ago", seconds / 3600);
    else
        snprintf(phrase.text, sizeof(phrase.text), "%" PRId64 " days ago", seconds / 86400);
    return phrase;
}

struct phrase phrase_moment(int64_t unix_ms)
{
    struct phrase phrase = {"never"};
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    if (unix_ms != 0 && (localtime_r(&seconds, &local) == NULL ||
                         strftime(phrase.text, sizeof(phrase.text), "%F %T", &local) == 0))
        snprintf(phrase.text, sizeof(phrase.text), "at %" PRId64 " ms", unix_ms);
    return phrase;
}

size_t text_sequence(const char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *byte = (const unsigned char *)text;
    size_t length = byte[0] < 0x80   ? 1
                    : byte[0] < 0xc2 ? 0
                    : byte[0] < 0xe0 ? 2
                    : byte[0] < 0xf0 ? 3
                    : byte[0] < 0xf5 ? 4
                                     : 0;
    uint32_t point = length == 1 ? byte[0] : byte[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (byte[i] & 0x3f);
    }
    bool bad = point < least[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
    return bad ? 0 : length;
}

/* ASCII's control characters, DEL, and the second set at U+0080. */
static bool is_control(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    return byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
}

void text_make_safe(char *ret_safe, const char *raw)
{
    char *to = ret_safe;
    while (*raw) {
        size_t length = text_sequence(raw);
        if (length == 0 || is_control(raw)) {
            to += snprintf(to, 5, "\\x%02x", (unsigned char)*raw++);
            continue;
        }
        memcpy(to, raw, length);
        to += length;
        raw += length;
    }
    *to = '\0';
}

size_t text_width(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += (*text & 0xc0) != 0x80;
    return columns;
}

void text_cleanup(char **text)
{
    free(*text);
    *text = NULL;
}

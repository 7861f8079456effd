/* See markup.h. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bench/markup.h"

/* The bytes of the UTF-8 sequence that begins here, and its character; 0 if it is none. */
static size_t decode(const unsigned char *text, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                    : (text[0] & 0xf0) == 0xe0          ? 3
                    : (text[0] & 0xf8) == 0xf0          ? 4
                                                        : 0;
    uint32_t character = length == 1 ? text[0] : text[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3f);
    }
    *ret_character = character;
    bool surrogate = character >= 0xd800 && character < 0xe000;
    return length == 0 || character < least[length] || character > 0x10ffff || surrogate ? 0
                                                                                         : length;
}

/* Characters that XML does not allow, that show nothing, or that turn what follows around. */
static bool is_hidden(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || (character & 0xfffe) == 0xfffe;
}

static const char *entity(uint32_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put_text(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)(text ? text : "");
    while (*at) {
        uint32_t character = 0;
        size_t length = decode(at, &character);
        if (length == 0 || is_hidden(character)) {
            for (size_t i = 0; i < (length ? length : 1); i++)
                fprintf(out, "\\x%02x", at[i]);
        } else if (entity(character)) {
            fputs(entity(character), out);
        } else {
            fwrite(at, 1, length, out);
        }
        at += length ? length : 1;
    }
}

/* A number that is none would be no markup either. */
static double sound(double value)
{
    return isfinite(value) ? value : 0;
}

/* One conversion; returns what comes behind it. */
static const char *put_value(FILE *out, const char *format, va_list *arguments)
{
    switch (format[1]) {
    case 's':
        put_text(out, va_arg(*arguments, const char *));
        return format + 2;
    case 'd':
        fprintf(out, "%d", va_arg(*arguments, int));
        return format + 2;
    case 'g':
        fprintf(out, "%g", sound(va_arg(*arguments, double)));
        return format + 2;
    case 'z':
        fprintf(out, "%zu", va_arg(*arguments, size_t));
        return format + 3;
    case '.':
        fprintf(out, "%.*f", format[2] - '0', sound(va_arg(*arguments, double)));
        return format + 4;
    default:
        assert(format[1] == '%');
        putc('%', out);
        return format + 2;
    }
}

void markup(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, out);
        format += plain;
        if (*format)
            format = put_value(out, format, &arguments);
    }
    va_end(arguments);
}

struct markup_short markup_shorten(const char *text, size_t most_characters)
{
    static const char more[] = "…";
    struct markup_short brief = {""};
    size_t kept = 0, length = 0, characters = 0;
    for (; text[length] && length + 8 < sizeof(brief.text); characters++) {
        uint32_t character;
        size_t step = decode((const unsigned char *)text + length, &character);
        length += step ? step : 1;
        if (characters + 1 < most_characters)
            kept = length;
    }
    bool whole = text[length] == '\0' && characters <= most_characters;
    memcpy(brief.text, text, whole ? length : kept);
    if (!whole)
        memcpy(brief.text + kept, more, sizeof(more));
    return brief;
}

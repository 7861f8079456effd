/* What is a valid name (contract U1).
 *
 * The rules keep a name usable as a file name, as a word in a shell and as one field of a listing,
 * and leave `scheme:rest` free for other ways to identify a thing. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <ferry/base.h>

#include "base/error.h"
#include "base/name.h"

static const char KEY_PREFIX[] = "key:0x";
enum { KEY_DIGITS = 8 };

/* Decodes one UTF-8 sequence from at most `left` bytes; returns its length, or 0 if it is not
 * well-formed (overlong, surrogate, beyond U+10FFFF, cut short). */
static size_t utf8_decode(const unsigned char *text, size_t left, uint32_t *ret_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80             ? 1
                    : (text[0] & 0xE0) == 0xC0 ? 2
                    : (text[0] & 0xF0) == 0xE0 ? 3
                    : (text[0] & 0xF8) == 0xF0 ? 4
                                               : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t point = length == 1 ? text[0] : text[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3F);
    }
    if (point < least[length] || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF)
        return 0;
    *ret_point = point;
    return length;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029;
}

/* Is this a key as ferry_key_name() writes it?  One spelling only: a key is one name. */
static bool is_key(const char *name)
{
    size_t prefix = sizeof(KEY_PREFIX) - 1;
    return strncmp(name, KEY_PREFIX, prefix) == 0 && strlen(name) == prefix + KEY_DIGITS &&
           strspn(name + prefix, "0123456789abcdef") == KEY_DIGITS;
}

static int check_bytes(const char *name, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t point;
        size_t step = utf8_decode((const unsigned char *)name + at, length - at, &point);
        if (step == 0)
            return fail(-EINVAL, "a name is UTF-8 text; byte %zu of this one is not", at + 1);
        if (point == '/')
            return fail(-EINVAL, "a name has no slash; \"%s\" looks like a path", name);
        if (point == ':')
            return fail(-EINVAL,
                        "a name has no colon; \"%s\" is neither a name nor a key as in "
                        "key:0x0104abcd (eight small hexadecimal digits)",
                        name);
        if (is_control(point))
            return fail(-EINVAL, "a name has no control characters; byte %zu of this one is",
                        at + 1);
        at += step;
    }
    return 0;
}

int ferry_name_check(const char *name)
{
    if (name == NULL || name[0] == '\0')
        return fail(-EINVAL, "a name has at least one character; this one is empty");
    size_t length = strnlen(name, FERRY_NAME_MAX + 1);
    if (length > FERRY_NAME_MAX)
        return fail(-EINVAL, "a name has at most %d bytes; \"%.20s…\" is longer", FERRY_NAME_MAX,
                    name);
    if (name[0] == '.' || name[0] == '-')
        return fail(-EINVAL, "a name does not begin with a %s; \"%s\" does",
                    name[0] == '.' ? "dot" : "dash", name);
    return is_key(name) ? 0 : check_bytes(name, length);
}

bool name_is_valid(const char *name)
{
    struct explanation before;
    explanation_keep(&before);
    bool is_valid = ferry_name_check(name) == 0;
    explanation_restore(&before);
    return is_valid;
}

int ferry_key_name(char *ret_name, size_t size_bytes, uint32_t key)
{
    if (size_bytes < sizeof(KEY_PREFIX) + KEY_DIGITS)
        return fail(-ENOSPC, "the name of a key takes %zu bytes; the buffer has %zu",
                    sizeof(KEY_PREFIX) + KEY_DIGITS, size_bytes);
    snprintf(ret_name, size_bytes, "%s%08x", KEY_PREFIX, (unsigned)key);
    return 0;
}

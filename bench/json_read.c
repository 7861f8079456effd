/* See json_read.h.
 *
 * One pass from left to right.  The first thing that is wrong stops everything: it is noted, and the
 * parser stands still from then on.  Nesting is recursion, as deep as JSON_MOST_DEPTH. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/json_read.h"

struct parser {
    const char *start;
    const char *at;
    const char *end;
    size_t values;
    unsigned depth;
    int error;
    const char *what; /* is wrong */
};

static bool fail(struct parser *parser, const char *what)
{
    parser->error = -EBADMSG;
    parser->what = what;
    return false;
}

static bool fail_memory(struct parser *parser)
{
    parser->error = -ENOMEM;
    parser->what = "no memory left";
    return false;
}

/* The next byte, or -1 at the end. */
static int peek(const struct parser *parser)
{
    return parser->at < parser->end ? (unsigned char)*parser->at : -1;
}

static bool skip(struct parser *parser, char expected)
{
    if (peek(parser) != (unsigned char)expected)
        return false;
    parser->at++;
    return true;
}

static void skip_blanks(struct parser *parser)
{
    while (skip(parser, ' ') || skip(parser, '\n') || skip(parser, '\t') || skip(parser, '\r'))
        ;
}

/* ---- Numbers ---------------------------------------------------------------------------------------- */

static bool skip_digits(struct parser *parser)
{
    const char *before = parser->at;
    while (peek(parser) >= '0' && peek(parser) <= '9')
        parser->at++;
    return parser->at > before;
}

/* No leading zero, no bare point: strtod() would take more than JSON has. */
static bool skip_number(struct parser *parser)
{
    skip(parser, '-');
    if (!skip(parser, '0') && !skip_digits(parser))
        return false;
    if (skip(parser, '.') && !skip_digits(parser))
        return false;
    if (!skip(parser, 'e') && !skip(parser, 'E'))
        return true;
    if (!skip(parser, '-'))
        skip(parser, '+');
    return skip_digits(parser);
}

static bool read_number(struct parser *parser, struct json_value *value)
{
    char digits[64];
    const char *from = parser->at;
    if (!skip_number(parser))
        return fail(parser, "not a number");
    size_t length = (size_t)(parser->at - from);
    if (length >= sizeof(digits))
        return fail(parser, "a number with too many digits");
    memcpy(digits, from, length);
    digits[length] = '\0';
    value->kind = JSON_NUMBER;
    value->number = strtod(digits, NULL);
    return isfinite(value->number) || fail(parser, "a number that is too large");
}

/* ---- Texts ------------------------------------------------------------------------------------------ */

/* Four hexadecimal digits; -1 if they are not there. */
static long read_hex(struct parser *parser)
{
    long code = 0;
    for (int i = 0; i < 4; i++) {
        int c = peek(parser);
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
        parser->at++;
    }
    return code;
}

/* Behind \u: one code point, which may take a second \u.  0 is none that a text may hold. */
static long read_code_point(struct parser *parser)
{
    long code = read_hex(parser);
    if (code < 0xd800 || code > 0xdfff)
        return code;
    if (code > 0xdbff || !skip(parser, '\\') || !skip(parser, 'u'))
        return -1;
    long low = read_hex(parser);
    return low < 0xdc00 || low > 0xdfff ? -1 : 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_code_point(char *to, long code)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (length == 1) {
        *to++ = (char)code;
        return to;
    }
    *to++ = (char)(leads[length] | (code >> 6 * (length - 1)));
    for (int i = length - 2; i >= 0; i--)
        *to++ = (char)(0x80 | ((code >> 6 * i) & 0x3f));
    return to;
}

/* The escaped character goes to `to`; no escape is shorter than what it means.  NULL if wrong. */
static char *read_escape(struct parser *parser, char *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (skip(parser, 'u')) {
        long code = read_code_point(parser);
        return code > 0 ? put_code_point(to, code) : NULL;
    }
    int c = peek(parser);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter == NULL)
        return NULL;
    parser->at++;
    *to++ = meanings[letter - letters];
    return to;
}

/* How long the UTF-8 sequence is that begins here; 0 if it is none: too long a form, a surrogate,
 * beyond the last code point, or cut off. */
static size_t sequence(const struct parser *parser)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)*parser->at;
    size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead > 0xf4 || (size_t)(parser->end - parser->at) < length)
        return 0;
    uint32_t code = length > 1 ? lead & (0x7fu >> length) : lead;
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)parser->at[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return length == 0 || code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/* Up to the closing quote, into room that is large enough. */
static char *copy_text(struct parser *parser, char *to)
{
    while (peek(parser) >= 0x20) {
        if (skip(parser, '"'))
            return to;
        if (skip(parser, '\\')) {
            if ((to = read_escape(parser, to)) == NULL)
                return fail(parser, "an escape that is none, or of a NUL"), NULL;
            continue;
        }
        size_t length = sequence(parser);
        if (length == 0)
            return fail(parser, "a text that is not UTF-8"), NULL;
        memcpy(to, parser->at, length);
        parser->at += length;
        to += length;
    }
    fail(parser, peek(parser) < 0 ? "a text without an end" : "a control character in a text");
    return NULL;
}

/* How many bytes lie up to the quote that ends the text, escapes and all. */
static size_t measure_text(const struct parser *parser)
{
    const char *at = parser->at;
    while (at < parser->end && *at != '"')
        at += *at == '\\' && at + 1 < parser->end ? 2 : 1;
    return (size_t)(at - parser->at);
}

static bool read_text(struct parser *parser, char **ret_text)
{
    if (!skip(parser, '"'))
        return fail(parser, "no text where one has to be");
    char *text = malloc(measure_text(parser) + 1);
    if (text == NULL)
        return fail_memory(parser);
    char *end = copy_text(parser, text);
    if (end == NULL) {
        free(text);
        return false;
    }
    *end = '\0';
    *ret_text = text;
    return true;
}

/* ---- Values ----------------------------------------------------------------------------------------- */

static bool read_value(struct parser *parser, struct json_value *value);

/* One more, zeroed; room doubles. */
static struct json_value *add_item(struct parser *parser, struct json_value *value)
{
    if (++parser->values > JSON_MOST_VALUES)
        return fail(parser, "too many values"), NULL;
    if ((value->count & (value->count - 1)) == 0) {
        size_t room = value->count ? 2 * value->count : 1;
        struct json_value *grown = reallocarray(value->items, room, sizeof(*grown));
        if (grown == NULL)
            return fail_memory(parser), NULL;
        value->items = grown;
    }
    struct json_value *item = &value->items[value->count++];
    memset(item, 0, sizeof(*item));
    return item;
}

static bool read_item(struct parser *parser, struct json_value *value)
{
    struct json_value *item = add_item(parser, value);
    if (item == NULL)
        return false;
    skip_blanks(parser);
    if (value->kind == JSON_OBJECT) {
        if (!read_text(parser, &item->key))
            return false;
        skip_blanks(parser);
        if (!skip(parser, ':'))
            return fail(parser, "no colon behind a key");
    }
    return read_value(parser, item);
}

/* A list or an object, from behind its opening bracket. */
static bool read_items(struct parser *parser, struct json_value *value, char close)
{
    if (++parser->depth > JSON_MOST_DEPTH)
        return fail(parser, "too deep a nesting");
    skip_blanks(parser);
    bool ended = skip(parser, close);
    while (!ended) {
        if (!read_item(parser, value))
            return false;
        ended = skip(parser, close);
        if (!ended && !skip(parser, ','))
            return fail(parser, "neither a comma nor the end of a list or an object");
    }
    parser->depth--;
    return true;
}

static bool read_word(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0)
        return fail(parser, "a word that JSON does not have");
    parser->at += length;
    return true;
}

static bool read_bare_value(struct parser *parser, struct json_value *value)
{
    switch (peek(parser)) {
    case -1:
        return fail(parser, "its end, too early");
    case '{':
        parser->at++;
        value->kind = JSON_OBJECT;
        return read_items(parser, value, '}');
    case '[':
        parser->at++;
        value->kind = JSON_LIST;
        return read_items(parser, value, ']');
    case '"':
        value->kind = JSON_TEXT;
        return read_text(parser, &value->text);
    case 't':
    case 'f':
        value->kind = JSON_BOOL;
        value->truth = peek(parser) == 't';
        return read_word(parser, value->truth ? "true" : "false");
    case 'n':
        return read_word(parser, "null");
    default:
        return read_number(parser, value);
    }
}

static bool read_value(struct parser *parser, struct json_value *value)
{
    skip_blanks(parser);
    bool read = read_bare_value(parser, value);
    skip_blanks(parser);
    return read;
}

static size_t line_of(const struct parser *parser)
{
    size_t line = 1;
    for (const char *at = parser->start; at < parser->at; at++)
        line += *at == '\n';
    return line;
}

int json_read(const char *bytes, size_t length, struct json_value **ret_value,
              struct json_problem *ret_problem)
{
    struct parser parser = {.start = bytes, .at = bytes, .end = bytes + length};
    struct json_value *value = calloc(1, sizeof(*value));
    if (value == NULL)
        fail_memory(&parser);
    else if (length > JSON_MOST_BYTES)
        fail(&parser, "more than any run");
    else if (read_value(&parser, value) && parser.at < parser.end)
        fail(&parser, "something behind the end");
    if (parser.error < 0) {
        *ret_problem = (struct json_problem){.line = line_of(&parser), .what = parser.what};
        json_value_free(value);
        return parser.error;
    }
    *ret_value = value;
    return 0;
}

const struct json_value *json_member(const struct json_value *value, const char *key)
{
    for (size_t i = 0; value->kind == JSON_OBJECT && i < value->count; i++)
        if (strcmp(value->items[i].key, key) == 0)
            return &value->items[i];
    return NULL;
}

/* What a value holds; as deep as it was read. */
static void deinit(struct json_value *value)
{
    for (size_t i = 0; i < value->count; i++)
        deinit(&value->items[i]);
    free(value->items);
    free(value->text);
    free(value->key);
}

struct json_value *json_value_free(struct json_value *value)
{
    if (value)
        deinit(value);
    free(value);
    return NULL;
}

/* See parse.h.  What is decoded is never longer than what it was, so it is put in its place: the reader is always
 * ahead of the writer. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cli/parse.h"

/* What is left of the line, and the first thing that was wrong. */
struct parser {
    char *at, *end;
    const char *wrong;
    bool has_bytes, has_type, has_priority;
};

static void reject(struct parser *parser, const char *wrong)
{
    if (parser->wrong == NULL)
        parser->wrong = wrong;
}

/* ---- Words ------------------------------------------------------------------------------------ */

static void skip_blanks(struct parser *parser)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t' ||
                                        *parser->at == '\r' || *parser->at == '\n'))
        parser->at++;
}

/* Takes this character, with blanks around it, if it comes next. */
static bool take(struct parser *parser, char character)
{
    skip_blanks(parser);
    if (parser->at == parser->end || *parser->at != character)
        return false;
    parser->at++;
    skip_blanks(parser);
    return true;
}

static uint64_t take_number(struct parser *parser, uint64_t most)
{
    uint64_t number = 0;
    const char *first = parser->at;
    for (; parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9'; parser->at++) {
        unsigned digit = (unsigned)(*parser->at - '0');
        if (number > (most - digit) / 10) {
            reject(parser, "its type or its priority is too large a number");
            return 0;
        }
        number = number * 10 + digit;
    }
    if (parser->at == first || (*first == '0' && parser->at > first + 1))
        reject(parser, "its type or its priority is not a whole number from 0 on");
    return number;
}

/* ---- Strings ---------------------------------------------------------------------------------- */

/* Four hexadecimal digits. */
static unsigned take_unit(struct parser *parser)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        char next = parser->at < parser->end ? *parser->at : ' ';
        const char *digit = next ? strchr(digits, next) : NULL;
        if (digit == NULL) {
            reject(parser, "four hexadecimal digits belong behind \\u");
            return 0;
        }
        unit = unit << 4 | ((unsigned)(digit - digits) & 15);
        parser->at++;
    }
    return unit;
}

/* Behind \u: a character, which may take a pair of these. */
static uint32_t take_character(struct parser *parser)
{
    uint32_t first = take_unit(parser);
    if (first < 0xd800 || first > 0xdfff)
        return first;
    bool is_pair = first < 0xdc00 && parser->end - parser->at >= 2 && parser->at[0] == '\\' &&
                   parser->at[1] == 'u';
    if (is_pair)
        parser->at += 2;
    uint32_t second = is_pair ? take_unit(parser) : 0;
    if (second < 0xdc00 || second > 0xdfff) {
        reject(parser, "half of a pair of surrogates stands alone");
        return 0;
    }
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static char *put_utf_8(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    *to++ = (char)(((0xff00u >> (more + 1)) & 0xff) | (point >> (6 * more)));
    while (more-- > 0)
        *to++ = (char)(0x80 | ((point >> (6 * more)) & 0x3f));
    return to;
}

/* Behind a backslash. */
static char *take_escape(struct parser *parser, char *to)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char next = parser->at < parser->end ? *parser->at++ : '\0';
    if (next == 'u')
        return put_utf_8(to, take_character(parser));
    const char *escape = next ? strchr(escapes, next) : NULL;
    if (escape == NULL)
        reject(parser, "there is no such escape");
    else
        *to++ = meanings[escape - escapes];
    return to;
}

/* A string, decoded; its quotes are gone. */
static size_t take_string(struct parser *parser, char **ret_string)
{
    if (parser->at == parser->end || *parser->at != '"') {
        reject(parser, "a string in double quotes is missing");
        return 0;
    }
    char *to = ++parser->at;
    *ret_string = to;
    while (parser->wrong == NULL && parser->at < parser->end && *parser->at != '"') {
        char next = *parser->at++;
        if (next == '\\')
            to = take_escape(parser, to);
        else
            *to++ = next;
        if ((unsigned char)next < 0x20)
            reject(parser, "a control character stands in a string; write it as \\u0001");
    }
    if (parser->at == parser->end)
        reject(parser, "the line ends within a string");
    else
        parser->at++;
    return (size_t)(to - *ret_string);
}

/* ---- Base64 ----------------------------------------------------------------------------------- */

static int digit_64(char character)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *digit = character ? strchr(digits, character) : NULL;
    return digit ? (int)(digit - digits) : -1;
}

static size_t decode_64(struct parser *parser, char *string, size_t length)
{
    size_t padding = length > 0 && string[length - 1] == '=' ? 1 : 0;
    padding += padding && length > 1 && string[length - 2] == '=' ? 1 : 0;
    if (length % 4 != 0)
        reject(parser, "its base64 is not a number of groups of four");
    char *to = string;
    uint32_t bits = 0;
    for (size_t i = 0; i < length - padding && parser->wrong == NULL; i++) {
        int digit = digit_64(string[i]);
        if (digit < 0)
            reject(parser, "there is something else in its base64");
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0) /* its first byte is whole with the second digit */
            *to++ = (char)(bits >> (6 - 2 * (i % 4)));
    }
    return (size_t)(to - string);
}

/* ---- A message -------------------------------------------------------------------------------- */

static bool is_key(const char *key, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(key, word, length) == 0;
}

static bool once(struct parser *parser, bool *seen)
{
    if (*seen)
        reject(parser, "a key is there twice, or both text and base64 are");
    *seen = true;
    return parser->wrong == NULL;
}

static void take_bytes(struct parser *parser, struct ferry_message *message, bool is_64)
{
    char *string = NULL;
    size_t length = take_string(parser, &string);
    message->size_bytes =
        is_64 && parser->wrong == NULL ? decode_64(parser, string, length) : length;
    message->bytes = string;
}

static void take_member(struct parser *parser, struct ferry_message *message)
{
    char *key;
    size_t length = take_string(parser, &key);
    if (parser->wrong == NULL && !take(parser, ':'))
        reject(parser, "a colon is missing behind a key");
    if (parser->wrong)
        return;
    bool is_text = is_key(key, length, "text"), is_64 = is_key(key, length, "base64");
    if (is_text || is_64) {
        if (once(parser, &parser->has_bytes))
            take_bytes(parser, message, is_64);
    } else if (is_key(key, length, "type")) {
        if (once(parser, &parser->has_type))
            message->type = take_number(parser, UINT64_MAX);
    } else if (is_key(key, length, "priority")) {
        if (once(parser, &parser->has_priority))
            message->priority = (uint32_t)take_number(parser, UINT32_MAX);
    } else {
        reject(parser, "it has a key that is none of text, base64, type and priority");
    }
}

const char *message_parse(char *line, size_t length, struct ferry_message *ret_message)
{
    struct parser parser = {.at = line, .end = line + length};
    *ret_message = (struct ferry_message){.bytes = line};
    if (!take(&parser, '{'))
        return "it is not an object, in braces";
    if (!take(&parser, '}')) {
        do
            take_member(&parser, ret_message);
        while (parser.wrong == NULL && take(&parser, ','));
        if (parser.wrong == NULL && !take(&parser, '}'))
            reject(&parser, "a comma or the brace at its end is missing");
    }
    if (parser.wrong == NULL && parser.at != parser.end)
        reject(&parser, "something stands behind it");
    if (parser.wrong == NULL && !parser.has_bytes)
        reject(&parser, "it has neither text nor base64");
    return parser.wrong;
}

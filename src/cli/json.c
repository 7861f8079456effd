/* See json.h. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/json.h"
#include "cli/text.h"

static void print_string(const char *text)
{
    putchar('"');
    while (*text) {
        size_t length = text_sequence(text);
        if (length == 0)
            fputs("\\ufffd", stdout);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned)*text);
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            fwrite(text, 1, length, stdout);
        text += length ? length : 1;
    }
    putchar('"');
}

static void break_line(const struct json *json)
{
    if (json->one_line)
        return;
    printf("\n%*s", 2 * json->depth, "");
}

/* Everything up to the value: comma, line break, key. */
static void begin(struct json *json, const char *key)
{
    if (json->depth > 0) {
        if (!json->empty)
            putchar(',');
        break_line(json);
    }
    json->empty = false;
    if (key) {
        print_string(key);
        fputs(json->one_line ? ":" : ": ", stdout);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    putchar(bracket);
    json->depth++;
    json->empty = true;
}

void json_close(struct json *json, char bracket)
{
    json->depth--;
    if (!json->empty)
        break_line(json);
    putchar(bracket);
    json->empty = false;
    if (json->depth == 0)
        putchar('\n');
}

void json_text(struct json *json, const char *key, const char *value)
{
    begin(json, key);
    print_string(value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    printf("%" PRIu64, value);
}

void json_real(struct json *json, const char *key, double value)
{
    begin(json, key);
    printf("%.7g", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", stdout);
}

void json_null(struct json *json, const char *key)
{
    begin(json, key);
    fputs("null", stdout);
}

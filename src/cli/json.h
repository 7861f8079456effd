/* JSON onto standard output, written as it goes.
 *
 * Strings are made whole: control characters are escaped, and every byte that is not UTF-8 becomes
 * U+FFFD, so that what comes out is JSON whatever went in. */
#ifndef FERRY_CLI_JSON_H
#define FERRY_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json {
    bool one_line; /* no line breaks: one document a line */
    int depth;
    bool empty; /* nothing yet in the innermost object or array */
};

/* The key is NULL inside an array and at the top. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_real(struct json *json, const char *key, double value); /* to seven digits */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

#endif

/* Reads JSON into a tree.
 *
 * It takes what RFC 8259 allows and nothing else, of whatever bytes: what is not JSON, or too much of
 * it, is an error that says where.  Texts are UTF-8 without a NUL; of two equal keys the first
 * counts. */
#ifndef FERRY_BENCH_JSON_READ_H
#define FERRY_BENCH_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    char *key; /* within an object */
    bool truth;
    double number;
    char *text;
    struct json_value *items; /* of a list or an object */
    size_t count;
};

/* Within these, a stranger's file costs a moment and some memory, and never the stack. */
#define JSON_MOST_BYTES  ((size_t)16 << 20)
#define JSON_MOST_DEPTH  32
#define JSON_MOST_VALUES ((size_t)1 << 20)

struct json_problem {
    size_t line; /* from 1 */
    const char *what;
};

/* 0, -EBADMSG with *ret_problem for what is not JSON, or -ENOMEM. */
int json_read(const char *bytes, size_t length, struct json_value **ret_value,
              struct json_problem *ret_problem);

/* A member of an object; NULL if there is none, or if it is no object. */
const struct json_value *json_member(const struct json_value *value, const char *key);

/* Takes NULL, too; returns NULL. */
struct json_value *json_value_free(struct json_value *value);

#endif

/* What the library says about an object, in words and as JSON. */
#ifndef FERRY_CLI_OBJECT_H
#define FERRY_CLI_OBJECT_H

#include <ferry/ferry.h>

#include "cli/json.h"
#include "cli/text.h"

/* All objects at one moment, by name. */
struct listing {
    struct ferry_object *objects;
    size_t count;
};

/* Takes the objects of these kinds (bit 1 << kind; 0 means all): 0, or an exit status after a
 * complaint. */
int listing_take(struct listing *ret_listing, uint64_t kinds);
void listing_free(struct listing *listing);

/* The name that people gave it; where it has none, how to reach it. */
const char *object_title(const struct ferry_object *object);

/* Is it the same object, seen another time? */
bool object_is_same(const struct ferry_object *a, const struct ferry_object *b);

struct phrase object_attached(const struct ferry_object *object); /* "2 (+1 dead)" */
struct phrase object_owner(const struct ferry_object *object);    /* the user's name or number */
struct phrase object_group(const struct ferry_object *object);

/* When somebody last came, left or changed it. */
int64_t object_last_use(const struct ferry_object *object);

/* What is out of the ordinary: "removed, held by …"; "" if nothing is. */
struct state {
    char text[512];
};
struct state object_state(const struct ferry_object *object);

/* The fields of struct ferry_object, under their own names, into an open JSON object. */
void object_to_json(const struct ferry_object *object, struct json *json);

#endif

/* What `ferry show` says of an object of each kind, and of what its members do with it. */
#ifndef FERRY_CLI_SHOW_KINDS_H
#define FERRY_CLI_SHOW_KINDS_H

#include <ferry/ferry.h>

#include "cli/text.h"

/* Prints the lines that this kind of object has. */
void show_kind(const struct ferry_object *object);

/* What a member of such an object waits for or holds; "" if nothing. */
struct phrase show_doing(int kind, const struct ferry_member *member);

#endif

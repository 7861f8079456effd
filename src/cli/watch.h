/* `ferry ls --watch`. */
#ifndef FERRY_CLI_WATCH_H
#define FERRY_CLI_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/object.h"

/* Tells of every change among the objects of these kinds until interrupted, or until nobody reads
 * standard output any more.  Returns an exit status. */
int watch(uint64_t kinds, bool as_json);

/* The table of `ferry ls`. */
void listing_print(const struct listing *listing, FILE *out);

#endif

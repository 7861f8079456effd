/* `ferry show --raw`. */
#ifndef FERRY_CLI_RAW_H
#define FERRY_CLI_RAW_H

#include <stdbool.h>

/* Draws the object's control memory, or prints it as JSON.  Returns an exit status. */
int raw_show(const char *name, bool as_json);

#endif

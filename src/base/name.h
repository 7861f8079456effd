/* Names, without an explanation of what is wrong with them. */
#ifndef FERRY_NAME_H
#define FERRY_NAME_H

#include <stdbool.h>

/* As ferry_name_check(), but leaves the calling thread's explanation as it is. */
bool name_is_valid(const char *name);

#endif

/* "Did you mean …?": which of several words somebody probably meant. */
#ifndef FERRY_CLI_SPELLING_H
#define FERRY_CLI_SPELLING_H

#include <stddef.h>

struct guess {
    const char *word; /* what was written */
    const char *best; /* the closest candidate so far; NULL if none is close */
    size_t distance;  /* how many letters it is off; only closer ones are taken */
};

struct guess guess_start(const char *word);
void guess_consider(struct guess *guess, const char *candidate);

#endif

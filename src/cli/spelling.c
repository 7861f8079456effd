/* The closest word: one that begins like that, or else by letters added, dropped or exchanged. */
#include <stdbool.h>
#include <string.h>

#include "cli/spelling.h"

enum { LONGEST = 32 }; /* no word of ours is longer */

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time; both words are at most LONGEST letters. */
static size_t distance_between(const char *a, const char *b)
{
    size_t row[LONGEST + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least_of(row[j] + 1, above + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[width];
}

/* Half the letters may be wrong, three at most; less than that is a guess, not a slip. */
struct guess guess_start(const char *word)
{
    size_t half = (strlen(word) + 1) / 2;
    return (struct guess){.word = word, .distance = (half < 3 ? half : 3) + 1};
}

void guess_consider(struct guess *guess, const char *candidate)
{
    if (strlen(guess->word) > LONGEST || strlen(candidate) > LONGEST)
        return;
    bool begins = strncmp(candidate, guess->word, strlen(guess->word)) == 0;
    size_t distance = begins ? 0 : distance_between(guess->word, candidate);
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = candidate;
    }
}

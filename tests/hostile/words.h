/* Which words of the control memory are overwritten, and with what. */
#ifndef HOSTILE_WORDS_H
#define HOSTILE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/layout.h"

/* The part that is saved before a trial and put back after it: what exists from the start. */
#define WORDS_IMAGE_BYTES LAYOUT_RESERVED_AT_FIRST

/* Slots, as the harness arranges them: the peer comes first and its fork second; nobody has the
 * third, and the next one that joins takes it. */
enum { WORDS_PEER, WORDS_VICTIM, WORDS_NEXT, WORDS_NOBODY };

struct word {
    uint32_t offset, width;
};

enum { WORDS_MOST = 8192, WORDS_VALUES_MOST = 64 };

struct words {
    struct word list[WORDS_MOST];
    size_t named; /* the first so many are named by the layout */
    size_t count;
};

/* All words, 64 and 32 bits wide: first those of the fields that the layout names and of some
 * members' entries, of long arrays the first and the last; then the rest of the image. */
void words_list(struct words *ret_words, uint32_t kind);

/* The values for a word: boundaries of what it may mean, and what it and its neighbours hold or
 * held in an older image.  Returns how many. */
size_t words_values(const void *control, const void *older, struct word word,
                    uint64_t ret_values[WORDS_VALUES_MOST]);

/* May somebody wait for this word?  Those are 32 bits wide, and no part of an identity. */
bool words_is_worth_a_siege(struct word word);

uint64_t words_load(const void *control, struct word word);
void words_store(void *control, struct word word, uint64_t value);

/* The field a word belongs to, for people. */
void words_describe(struct word word, char *ret_text, size_t size_bytes);

/* Backgrounds: states of the whole memory that a single word does not make. */
enum { WORDS_BACKGROUNDS = 3 };
const char *words_background_name(unsigned background);
void words_background(unsigned background, struct layout *control, uint64_t *random);

/* What a lock word would be if a member held it who is not there; never the same twice. */
uint64_t words_random_tag(uint64_t *random);

/* The same numbers in every run: xorshift; a state is never 0. */
uint64_t words_random(uint64_t *state);

#endif

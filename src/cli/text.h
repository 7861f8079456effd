/* Numbers and times in words for people, and UTF-8 from strangers. */
#ifndef FERRY_CLI_TEXT_H
#define FERRY_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A few words, returned by value: `printf("%s", phrase_size(4097).text)`. */
struct phrase {
    char text[48];
};

struct phrase phrase_size(uint64_t bytes);    /* "4097", "64K": exact, as --size takes it */
struct phrase phrase_count(uint64_t count);   /* "4,097" */
struct phrase phrase_duration(int64_t ns);    /* "67 µs" */
struct phrase phrase_age(int64_t unix_ms);    /* "3 s ago"; "never" for 0 */
struct phrase phrase_moment(int64_t unix_ms); /* "2026-11-21 07:02:11"; "never" for 0 */

/* The length of the UTF-8 sequence at `text`, 1 to 4; 0 if there is no well-formed one. */
size_t text_sequence(const char *text);

/* Copies `raw`, with control characters and what is not UTF-8 as \xNN.  ret_safe holds four times
 * its length and a final 0. */
void text_make_safe(char *ret_safe, const char *raw);

/* How many columns it takes, one for each character. */
size_t text_width(const char *text);

/* For CLEANUP(). */
void text_cleanup(char **text);

#endif

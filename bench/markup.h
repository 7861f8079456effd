/* Markup that no string can break: whatever is formatted into it is text, never a tag.
 *
 * The result is well-formed XML in valid UTF-8 whatever the strings hold: control characters, bytes
 * that are not UTF-8, and the marks that turn the direction of writing appear as \xNN. */
#ifndef FERRY_BENCH_MARKUP_H
#define FERRY_BENCH_MARKUP_H

#include <stddef.h>
#include <stdio.h>

/* The format is markup itself.  It knows %s, which is escaped, %zu, %d, %g, %.2f and %%. */
__attribute__((format(printf, 2, 3))) void markup(FILE *out, const char *format, ...);

/* A text's first characters, and "…" if that is not all of it. */
struct markup_short {
    char text[160];
} markup_shorten(const char *text, size_t most_characters);

#endif

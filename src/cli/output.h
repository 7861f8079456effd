/* Where the command's words go: lines on standard output, one-line complaints on standard error.
 *
 * Names, commands and explanations can hold anything that a stranger chose.  Everything that goes
 * through here is therefore made safe first: control characters and bytes that are not UTF-8
 * appear as \xNN, so that no name can move the cursor or fake a line. */
#ifndef FERRY_CLI_OUTPUT_H
#define FERRY_CLI_OUTPUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Makes sure that descriptors 0 to 2 are taken, so that no object is opened under such a number
 * and then written to as if it were a terminal. */
void output_start(void);

/* Flushes standard output; false if something could not be written, now or earlier. */
bool output_flush(void);

/* Flushes standard output; returns `status`, or STATUS_FAILED after a complaint if it could not
 * all be written. */
int output_finish(int status);

/* "ferry: …" as one line on standard error. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* One line on standard output. */
__attribute__((format(printf, 1, 2))) void output_line(const char *format, ...);

/* Raw bytes on standard output: 0, or STATUS_FAILED after a complaint. */
int output_bytes(const void *bytes, size_t count);

/* Colours are for a terminal, and not where NO_COLOR is set. */
bool output_is_terminal(void);
bool output_has_colour(void);

/* The formatted text made safe, in memory that the caller frees. */
__attribute__((format(printf, 1, 0))) char *safe_text(const char *format, va_list arguments);

/* Passes memory through; ends the command if there is none. */
void *expect_memory(void *memory);

#endif

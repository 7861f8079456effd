/* What the processes of a case tell the runner: a page of memory they all share, so that it works
 * from any child or thread, needs no descriptor, and survives the teller's death. */
#ifndef FERRY_TEST_REPORT_H
#define FERRY_TEST_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    _Atomic uint32_t failed;
    _Atomic uint32_t skipped;
    _Atomic uint32_t leaves_objects;
    _Atomic uint32_t used_bytes; /* of text; may exceed it, then the rest was lost */
    char text[16384];
};

/* Made before the first case, emptied before each. */
extern struct report *report;
void report_init(void);
void report_reset(void);

/* Adds a line or several.  Any process, any thread. */
__attribute__((format(printf, 1, 2))) void report_say(const char *format, ...);
__attribute__((format(printf, 1, 0))) void report_say_list(const char *format, va_list arguments);

/* Adds a line, and the case has failed. */
__attribute__((format(printf, 1, 2))) void report_fail(const char *format, ...);

/* Writes every line behind "# ". */
void report_print(FILE *stream);

#endif

/* The calling thread's last failure as a sentence.
 *
 * A plain thread-local buffer: no allocation, so that running out of memory can be explained, too.
 * Nothing here is shared, and nobody's death matters. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ferry/base.h>

#include "base/error.h"

static _Thread_local char explanation[EXPLANATION_SIZE];

/* What happens all the time is not copied before somebody asks: it is said here instead, or NULL. */
static _Thread_local const char *sentence_instead;

/* Puts it where explanations are. */
static void write_down(void)
{
    if (sentence_instead == NULL)
        return;
    snprintf(explanation, sizeof(explanation), "%s", sentence_instead);
    sentence_instead = NULL;
}

/* Names and paths are quoted as they came, and may hold anything: an explanation stays one line
 * that a terminal can be shown. */
static void make_printable(void)
{
    for (char *at = explanation; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
}

__attribute__((format(printf, 1, 0))) static void explain(const char *format, va_list arguments)
{
    sentence_instead = NULL;
    vsnprintf(explanation, sizeof(explanation), format, arguments);
    make_printable();
}

int fail(int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    explain(format, arguments);
    va_end(arguments);
    return error;
}

int fail_often(int error, const char *sentence)
{
    sentence_instead = sentence;
    return error;
}

/* What the kernel's errors mean to somebody who has to do something about them. */
static const char *cure(int error)
{
    switch (error) {
    case EMFILE:
        return "; this process has no descriptors left: close some, or raise `ulimit -n`";
    case ENFILE:
        return "; the whole system has no descriptors left: see /proc/sys/fs/file-max";
    case ENOMEM:
        return "; the kernel has no memory for it, or this process reached `ulimit -v` or "
               "vm.max_map_count";
    case ENOSPC:
    case EDQUOT:
        return "; the root is full: remove objects (ferry ls, ferry rm), enlarge it (mount -o "
               "remount,size=…), or set FERRY_ROOT to another place";
    case EROFS:
        return "; the root is mounted read-only: remount it (mount -o remount,rw), or set "
               "FERRY_ROOT to another place";
    default:
        return "";
    }
}

/* Adds to the explanation behind its first `length` bytes, as far as there is room. */
static void append(size_t length, const char *text)
{
    size_t room = sizeof(explanation) - 1 - length;
    size_t count = strlen(text) < room ? strlen(text) : room;
    memcpy(explanation + length, text, count);
    explanation[length + count] = '\0';
}

int fail_errno(int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    explain(format, arguments);
    va_end(arguments);
    append(strlen(explanation), ": ");
    append(strlen(explanation), strerror(-error)); /* thread-safe but for unknown numbers */
    append(strlen(explanation), cure(-error));
    return error;
}

int fail_within(int error, const char *format, ...)
{
    char inner[EXPLANATION_SIZE];
    write_down();
    memcpy(inner, explanation, sizeof(inner));
    va_list arguments;
    va_start(arguments, format);
    explain(format, arguments);
    va_end(arguments);
    append(strlen(explanation), ": ");
    append(strlen(explanation), inner);
    return error;
}

void explanation_keep(struct explanation *ret_copy)
{
    write_down();
    memcpy(ret_copy->text, explanation, sizeof(explanation));
}

void explanation_restore(const struct explanation *copy)
{
    sentence_instead = NULL;
    memcpy(explanation, copy->text, sizeof(explanation));
}

const char *ferry_explain(void)
{
    write_down();
    return explanation;
}

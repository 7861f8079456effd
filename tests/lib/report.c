/* The shared page of a case.  Writers reserve a stretch of the text with one atomic addition and
 * then fill it; one that is killed in between leaves zero bytes, which printing skips. */
#include "report.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct report *report;

void report_init(void)
{
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        perror("test runner: mmap");
        exit(2);
    }
}

void report_reset(void)
{
    memset(report, 0, sizeof *report);
}

void report_say_list(const char *format, va_list arguments)
{
    char line[2048];
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    if (length < 0)
        return;
    uint32_t bytes = (uint32_t)length < sizeof line - 2 ? (uint32_t)length : sizeof line - 2;
    line[bytes++] = '\n';

    uint32_t start = atomic_fetch_add(&report->used_bytes, bytes);
    if (start < sizeof report->text && bytes <= sizeof report->text - start)
        memcpy(report->text + start, line, bytes);
}

void report_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_say_list(format, arguments);
    va_end(arguments);
}

void report_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report_say_list(format, arguments);
    va_end(arguments);
    atomic_store(&report->failed, 1);
}

void report_print(FILE *stream)
{
    uint32_t used = atomic_load(&report->used_bytes);
    uint32_t bytes = used < sizeof report->text ? used : sizeof report->text;
    bool line_start = true;
    for (uint32_t i = 0; i < bytes; i++) {
        char byte = report->text[i];
        if (byte == '\0')
            continue;
        if (line_start)
            fputs("# ", stream);
        fputc(byte, stream);
        line_start = byte == '\n';
    }
    if (!line_start)
        fputc('\n', stream);
    if (used > bytes)
        fputs("# (more was said than there is room for)\n", stream);
}

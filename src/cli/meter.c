/* See meter.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <ferry/base.h>

#include "cli/meter.h"
#include "cli/text.h"

static const int64_t SECOND_NS = 1000000000, PERIOD_NS = 200000000;

enum { MOST_COLUMNS = 400, LEAST_BAR = 12 };

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* ---- Words ------------------------------------------------------------------------------------ */

/* "512 MB", "2.6 GB": two digits are as many as can be read while they change. */
static struct phrase phrase_amount(double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit < 5) {
        bytes /= 1000;
        unit++;
    }
    struct phrase phrase;
    snprintf(phrase.text, sizeof(phrase.text), "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes,
             units[unit]);
    return phrase;
}

/* "0:01:05". */
static struct phrase phrase_clock(int64_t ns)
{
    int64_t seconds = ns / SECOND_NS;
    struct phrase phrase;
    snprintf(phrase.text, sizeof(phrase.text), "%" PRId64 ":%02d:%02d", seconds / 3600,
             (int)(seconds / 60 % 60), (int)(seconds % 60));
    return phrase;
}

static double rate(uint64_t bytes, int64_t ns)
{
    return ns > 0 ? (double)bytes * (double)SECOND_NS / (double)ns : 0;
}

/* ---- The line --------------------------------------------------------------------------------- */

/* A command in the background leaves the terminal to those in front. */
static bool is_in_front(void)
{
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static int columns(void)
{
    struct winsize window;
    const char *told = getenv("COLUMNS");
    int count = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col
                : told                                                              ? atoi(told)
                                                                                    : 0;
    return count <= 0 ? 80 : count > MOST_COLUMNS ? MOST_COLUMNS : count;
}

/* Puts the text where the last one stood.  Blanks cover what was longer: no terminal needs to know
 * more than how to return to its first column.  The last column stays free, where some would wrap. */
static void show(struct meter *meter, const char *text)
{
    int length = (int)strlen(text), room = columns() - 1;
    if (length > room)
        length = room;
    int blanks = meter->line_columns > length ? meter->line_columns - length : 0;
    if (blanks > room - length)
        blanks = room - length;
    fprintf(stderr, "\r%.*s%*s", length, text, blanks, "");
    fflush(stderr);
    meter->line_columns = length;
}

/* Leaves the first column to what comes next. */
static void wipe(struct meter *meter)
{
    if (meter->line_columns == 0)
        return;
    show(meter, "");
    fputc('\r', stderr);
}

/* "[=====>    ]" in so many columns. */
static void draw_bar(char *ret_bar, double part, int width)
{
    int inside = width - 2, filled = (int)(part * inside);
    if (filled > inside)
        filled = inside;
    memset(ret_bar, ' ', (size_t)width);
    ret_bar[0] = '[';
    memset(ret_bar + 1, '=', (size_t)filled);
    if (filled < inside)
        ret_bar[1 + filled] = '>';
    ret_bar[width - 1] = ']';
    ret_bar[width] = '\0';
}

/* The rate now is that since the oldest sample, which is about a second old. */
static double rate_now(struct meter *meter, int64_t now)
{
    struct meter_sample *next = &meter->samples[meter->sample_count % METER_SAMPLES];
    const struct meter_sample oldest = meter->sample_count >= METER_SAMPLES
                                           ? *next
                                           : (struct meter_sample){.at_ns = meter->began_ns};
    *next = (struct meter_sample){.at_ns = now, .done_bytes = meter->done_bytes};
    meter->sample_count++;
    return rate(meter->done_bytes - oldest.done_bytes, now - oldest.at_ns);
}

/* "50% 0:00:12 left", with a bar between if there is room for one. */
static void draw_part(const struct meter *meter, double mean, char *line, size_t size)
{
    double part = (double)meter->done_bytes / (double)meter->size_bytes;
    size_t length = strlen(line);
    char left[64] = "", bar[MOST_COLUMNS + 1] = "";
    if (mean > 0 && part <= 1)
        snprintf(left, sizeof(left), " %s left",
                 phrase_clock((int64_t)((double)(meter->size_bytes - meter->done_bytes) / mean *
                                        (double)SECOND_NS))
                     .text);
    int width = columns() - 1 - (int)length - (int)strlen(left) - (int)strlen("  100% ") - 1;
    if (width >= LEAST_BAR)
        draw_bar(bar, part, width);
    snprintf(line + length, size - length, "  %s%s%3.0f%%%s", bar, bar[0] ? " " : "", 100 * part,
             left);
}

/* On a narrow terminal without the mean. */
static void draw(struct meter *meter, int64_t now)
{
    char line[2 * MOST_COLUMNS];
    int64_t elapsed = now - meter->began_ns;
    double mean = rate(meter->done_bytes, elapsed);
    int length = snprintf(line, sizeof(line), "%6s  %s  %6s/s",
                          phrase_amount((double)meter->done_bytes).text, phrase_clock(elapsed).text,
                          phrase_amount(rate_now(meter, now)).text);
    if (columns() > length + (int)strlen("  mean 999 MB/s"))
        snprintf(line + length, sizeof(line) - (size_t)length, "  mean %6s/s",
                 phrase_amount(mean).text);
    if (meter->size_bytes > 0)
        draw_part(meter, mean, line, sizeof(line));
    show(meter, line);
}

/* ---- For those who move bytes ------------------------------------------------------------------ */

static bool draws(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void meter_await(struct meter *meter, const char *what)
{
    char text[64];
    if (!draws() || !is_in_front())
        return;
    snprintf(text, sizeof(text), "waiting for a %s", what);
    show(meter, text);
}

void meter_start(struct meter *meter, uint64_t size_bytes)
{
    meter->is_on = true;
    meter->is_live = draws();
    meter->size_bytes = size_bytes;
    meter->began_ns = meter->drawn_ns = now_ns();
}

void meter_add(struct meter *meter, uint64_t count)
{
    meter->done_bytes += count;
    if (!meter->is_live)
        return;
    int64_t now = now_ns();
    if (now - meter->drawn_ns < PERIOD_NS)
        return;
    meter->drawn_ns = now;
    if (is_in_front())
        draw(meter, now);
}

int64_t meter_slice(const struct meter *meter, int64_t timeout_ns)
{
    bool is_short = timeout_ns != FERRY_FOREVER && timeout_ns < PERIOD_NS;
    return meter->is_live && !is_short ? PERIOD_NS : timeout_ns;
}

void meter_end(struct meter *meter)
{
    char text[160], part[64] = "";
    if (!meter->is_on) {
        wipe(meter);
        return;
    }
    int64_t elapsed = now_ns() - meter->began_ns;
    if (meter->size_bytes > 0 && meter->done_bytes != meter->size_bytes)
        snprintf(part, sizeof(part), " (%.0f%% of %s)",
                 100 * (double)meter->done_bytes / (double)meter->size_bytes,
                 phrase_count(meter->size_bytes).text);
    snprintf(text, sizeof(text), "%s byte%s%s in %s, %s/s", phrase_count(meter->done_bytes).text,
             meter->done_bytes == 1 ? "" : "s", part,
             (elapsed < 100 * SECOND_NS ? phrase_duration(elapsed) : phrase_clock(elapsed)).text,
             phrase_amount(rate(meter->done_bytes, elapsed)).text);
    wipe(meter);
    fprintf(stderr, "%s\n", text);
    meter->is_on = meter->is_live = false;
}

/* Throughput for people, on standard error, while bytes go through a pipe.
 *
 * On a terminal one line is rewritten a few times a second, as long as the command is in its
 * foreground; when the stream ends, and elsewhere only then, a plain line says what it was.
 *
 * There is neither a thread nor a timer: whoever moves bytes says so, and whoever waits does so in
 * slices.  Without meter_start() all of it does nothing. */
#ifndef FERRY_CLI_METER_H
#define FERRY_CLI_METER_H

#include <stdbool.h>
#include <stdint.h>

enum { METER_SAMPLES = 8 };

struct meter {
    bool is_on;
    bool is_live; /* a line on a terminal */
    uint64_t done_bytes;
    uint64_t size_bytes; /* 0: not known */
    int64_t began_ns, drawn_ns;
    struct meter_sample {
        int64_t at_ns;
        uint64_t done_bytes;
    } samples[METER_SAMPLES]; /* of the last lines, for the rate now */
    unsigned sample_count;
    int line_columns; /* of what stands on the terminal now */
};

/* Says what is waited for, before anything can move. */
void meter_await(struct meter *meter, const char *what);

/* The clock starts. */
void meter_start(struct meter *meter, uint64_t size_bytes);

/* So many bytes more; draws if it is time to. */
void meter_add(struct meter *meter, uint64_t count);

/* How long a wait of timeout_ns may go on until the line wants to be drawn again. */
int64_t meter_slice(const struct meter *meter, int64_t timeout_ns);

/* The last line.  To be called before any complaint, which would stand behind the line otherwise. */
void meter_end(struct meter *meter);

#endif

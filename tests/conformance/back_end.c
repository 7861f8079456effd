/* What is the same for all back ends. */
#include "back_end.h"

#include <stdio.h>

/* How often an answer that may be late is asked for: many times what the note on pipes allows. */
enum { LATE_ANSWERS = 20000 };

static struct end *end_new(const struct back_end *back_end)
{
    struct end *end = calloc(1, sizeof *end);
    CHECK(end != NULL);
    *end = (struct end){.back_end = back_end, .descriptor = -1};
    return end;
}

struct ends ends_make_sized(const struct back_end *back_end, uint64_t capacity)
{
    static unsigned made;
    struct ends ends = {
        .reading = end_new(back_end), .writing = end_new(back_end), .back_end = back_end};
    snprintf(ends.name, sizeof ends.name, "pipe-%d-%u", (int)getpid(), made++);
    back_end->make(&ends, capacity);
    return ends;
}

struct ends ends_make(const struct back_end *back_end)
{
    return ends_make_sized(back_end, 0);
}

struct end *end_close(struct end *end)
{
    if (end != NULL)
        end->back_end->close(end);
    free(end);
    return NULL;
}

void ends_close_reading(struct ends *ends)
{
    ends->reading = end_close(ends->reading);
}

void ends_close_writing(struct ends *ends)
{
    ends->writing = end_close(ends->writing);
}

void ends_close(struct ends *ends)
{
    ends_close_reading(ends);
    ends_close_writing(ends);
    if (ends->back_end->remove != NULL)
        ends->back_end->remove(ends->name);
}

int end_open(struct end **ret_end, const struct back_end *back_end, const char *name, unsigned role,
             int64_t patience_ns)
{
    struct end *end = end_new(back_end);
    int r = back_end->open(end, name, role, patience_ns);
    if (r < 0)
        free(end);
    else
        *ret_end = end;
    return r;
}

ssize_t end_write_after_death(struct end *end)
{
    int tries = end->back_end->hears_of_deaths_late ? LATE_ANSWERS : 1;
    ssize_t written = 0;
    while (tries-- > 0 && (written >= 0 || written == -EAGAIN))
        written = end_write(end, "x", 1, FERRY_NOW);
    return written;
}

ssize_t end_read_after_death(struct end *end, void *ret_bytes, size_t count)
{
    int tries = end->back_end->hears_of_deaths_late ? LATE_ANSWERS : 1;
    ssize_t got = -EAGAIN;
    while (tries-- > 0 && got == -EAGAIN)
        got = end_read(end, ret_bytes, count, FERRY_NOW);
    return got;
}

void write_stream(struct end *end, uint64_t position, size_t count)
{
    unsigned char *bytes = malloc(count);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < count; i++)
        bytes[i] = byte_at(position + i);
    CHECK_EQ(end_write(end, bytes, count, FERRY_FOREVER), count);
    free(bytes);
}

void read_stream(struct end *end, uint64_t position, size_t count)
{
    unsigned char *bytes = malloc(count);
    CHECK(bytes != NULL);
    for (size_t done = 0; done < count;) {
        ssize_t got = end_read(end, bytes + done, count - done, FERRY_FOREVER);
        CHECK(got > 0);
        for (ssize_t i = 0; i < got; i++, done++)
            CHECK_EQ(bytes[done], byte_at(position + done));
    }
    free(bytes);
}

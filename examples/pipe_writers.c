/* Many writers on one pipe: writes of up to 4,096 bytes are never mixed, whoever else writes.  Eight
 * children write records of one letter each, and the parent looks whether any has two.
 *
 *     pipe_writers
 *
 * On the command line: seq 1 9 | ferry write p & seq 11 19 | ferry write p & ferry read p */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { WRITERS = 8, RECORDS = 1000, SIZE = FERRY_PIPE_ATOMIC };

static int complain(const char *what)
{
    fprintf(stderr, "pipe_writers: %s: %s\n", what, ferry_explain());
    return 1;
}

static int write_records(ferry_pipe *out, char letter)
{
    char record[SIZE];
    memset(record, letter, sizeof(record));
    for (int i = 0; i < RECORDS; i++)
        if (ferry_pipe_write(out, record, sizeof(record), FERRY_FOREVER) != SIZE)
            return complain("cannot write");
    return 0;
}

/* A read gives what is there, so it takes several to have a record.  False at the end. */
static int read_record(ferry_pipe *in, char record[SIZE])
{
    size_t done = 0;
    while (done < SIZE) {
        ssize_t count = ferry_pipe_read(in, record + done, SIZE - done, FERRY_FOREVER);
        if (count <= 0)
            return 0;
        done += (size_t)count;
    }
    return 1;
}

int main(void)
{
    ferry_pipe *ends[2];
    char record[SIZE];
    int records = 0, mixed = 0, failed = 0, status;
    if (ferry_pipe_pair(ends, NULL) < 0)
        return complain("cannot make a pipe");
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            return write_records(ends[1], (char)('a' + i));
    ferry_pipe_close(ends[1]); /* or this one would be a writer, too, and the stream never end */

    for (; read_record(ends[0], record); records++)
        mixed += memcmp(record, record + 1, SIZE - 1) != 0;
    while (wait(&status) > 0)
        failed += status != 0;
    printf("%d writers, %d records of %d bytes, %d mixed\n", WRITERS, records, (int)SIZE, mixed);
    ferry_pipe_close(ends[0]);
    return failed > 0 || mixed > 0;
}

/* Takes a segment's lock, says "held", and keeps it until there is something to read or a signal
 * comes: so that a test can let somebody die with the lock in hand. */
#include <stdio.h>
#include <unistd.h>

#include <ferry/ferry.h>

int main(int argc, char **argv)
{
    ferry_segment *segment;
    char byte;
    if (argc != 2 || ferry_segment_open(&segment, argv[1], NULL) < 0 ||
        ferry_segment_lock(segment, FERRY_FOREVER) < 0)
        return 1;
    puts("held");
    fflush(stdout);
    ssize_t end = read(STDIN_FILENO, &byte, 1);
    ferry_segment_unlock(segment);
    ferry_segment_close(segment);
    return end == 1 ? 0 : 1;
}

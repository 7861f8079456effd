/* Back ends with one fault each.  The bodies are run on them, to see that they notice. */
#ifndef FERRY_CONFORMANCE_PLANTED_H
#define FERRY_CONFORMANCE_PLANTED_H

/* A stream socket pair: no pages, another capacity, ends that hang up otherwise. */
extern const struct back_end socket_pair;

/* The end of the stream comes when any writer has closed, not the last. */
extern const struct back_end early_end;

/* The end of the stream never comes, and the pipe never breaks: each end is held once more, by nobody. */
extern const struct back_end no_end;

/* What is written at once is written in two pieces. */
extern const struct back_end split_writes;

/* The last byte of each read comes again. */
extern const struct back_end read_twice;

/* A write that waits gives up, and says that all went in, when it has found no room. */
extern const struct back_end lost_writes;

/* Has room for 64 KiB and a page more. */
extern const struct back_end too_large;

/* A FIFO with somebody who always holds both ends: nobody waits for anybody, and its bytes stay. */
extern const struct back_end never_alone;

/* A FIFO whose opening never waits. */
extern const struct back_end impatient;

#define CONFORMANCE_ON_NAMED(name_, seconds_)                                                      \
    CONFORMANCE_ON(never_alone, name_, seconds_)                                                   \
    CONFORMANCE_ON(impatient, name_, seconds_)
#define CONFORMANCE_ON_ALL(name_, seconds_)                                                        \
    CONFORMANCE_ON(socket_pair, name_, seconds_)                                                   \
    CONFORMANCE_ON(early_end, name_, seconds_)                                                     \
    CONFORMANCE_ON(no_end, name_, seconds_)                                                        \
    CONFORMANCE_ON(split_writes, name_, seconds_)                                                  \
    CONFORMANCE_ON(read_twice, name_, seconds_)                                                    \
    CONFORMANCE_ON(lost_writes, name_, seconds_)                                                   \
    CONFORMANCE_ON(too_large, name_, seconds_)

#endif

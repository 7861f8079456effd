/* Queues with one fault each.  The bodies are run on them, to see that they notice. */
#ifndef FERRY_CONFORMANCE_QUEUE_PLANTED_H
#define FERRY_CONFORMANCE_QUEUE_PLANTED_H

/* The last one comes first. */
extern const struct queue_back_end last_first;

/* What is received is two messages in a row, if both fit. */
extern const struct queue_back_end merged;

/* Each seventh message is lost. */
extern const struct queue_back_end lost;

/* Each fifth message is received twice. */
extern const struct queue_back_end twice;

/* The next one is received, whatever was chosen. */
extern const struct queue_back_end typeless;

/* The lowest priority comes first. */
extern const struct queue_back_end reversed;

/* What does not fit is cut off, whether asked to or not. */
extern const struct queue_back_end cut_off;

/* Who waits for a type wakes up with any, puts it back and gives up. */
extern const struct queue_back_end restless;

/* Has room for a byte more, and for a message more. */
extern const struct queue_back_end roomy_bytes, roomy_count;

/* Those who wait do not hear of the removal as such. */
extern const struct queue_back_end untold;

#define QUEUE_CONFORMANCE_ON_ALL(name_, needs_, seconds_)                                          \
    QUEUE_CONFORMANCE_ON(last_first, name_, needs_, seconds_)                                      \
    QUEUE_CONFORMANCE_ON(merged, name_, needs_, seconds_)                                          \
    QUEUE_CONFORMANCE_ON(lost, name_, needs_, seconds_)                                            \
    QUEUE_CONFORMANCE_ON(twice, name_, needs_, seconds_)                                           \
    QUEUE_CONFORMANCE_ON(typeless, name_, needs_, seconds_)                                        \
    QUEUE_CONFORMANCE_ON(reversed, name_, needs_, seconds_)                                        \
    QUEUE_CONFORMANCE_ON(cut_off, name_, needs_, seconds_)                                         \
    QUEUE_CONFORMANCE_ON(restless, name_, needs_, seconds_)                                        \
    QUEUE_CONFORMANCE_ON(roomy_bytes, name_, needs_, seconds_)                                     \
    QUEUE_CONFORMANCE_ON(roomy_count, name_, needs_, seconds_)                                     \
    QUEUE_CONFORMANCE_ON(untold, name_, needs_, seconds_)

#endif

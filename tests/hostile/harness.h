/* The hostile harness: what becomes of a process when another member writes nonsense into the
 * control memory of an object that both use.
 *
 *   hostile_run()    puts each boundary value into each word before each operation, in turn: a
 *                    check that is missing is found for certain.
 *   hostile_race()   has a process overwrite words at full speed while a victim operates: a value
 *                    that is read twice is found soon.
 *
 * The process that calls them is a lawful peer: it makes the object, and ends waits that may last
 * for ever.  The victim is a fork of it and uses the handles that it inherited.
 *
 *     struct world { ferry_segment *segment; };
 *
 *     static void make(void *memory)
 *     {
 *         struct world *world = memory;
 *         CHECK_OK(ferry_segment_open(&world->segment, "x", FERRY_SEGMENT(…)));
 *     }
 *
 *     static int notify(void *memory)
 *     {
 *         struct world *world = memory;
 *         return ferry_segment_notify(world->segment);
 *     }
 *
 *     static const struct hostile_operation operations[] = {{.name = "notify", .run = notify}, {0}};
 *
 *     TEST(nonsense_is_survived)
 *     {
 *         CHECK_OK(hostile_run(&(struct hostile_case){.name = "segment", .object = "x",
 *                                                     .world_bytes = sizeof(struct world),
 *                                                     .setup = make, .teardown = drop,
 *                                                     .operations = operations}, NULL));
 *     }
 *
 * What is allowed is a result or an error.  A signal, an exit, a sanitizer's report, a descriptor
 * or a mapping left over, and two seconds without an end fail the run; its report then says where,
 * and how to be there again:
 *
 *   FERRY_HOSTILE_AT=notify,calm,0x8c,4,0xffffffff   only this operation, background, word and value
 *   FERRY_HOSTILE_SEED=n                             what a race, or a sample, begins with
 *   FERRY_TEST_THOROUGH=1                            all words of the memory, and longer races */
#ifndef HOSTILE_HARNESS_H
#define HOSTILE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layout;

/* All but run() may be NULL.  They return 0 or more, or -errno; none may end the process. */
struct hostile_operation {
    const char *name;
    int (*prepare)(void *world); /* before the memory is touched */
    int (*run)(void *world);     /* what is tried */
    void (*finish)(void *world); /* when the memory is whole again: closes what the others opened */
    unsigned patience_ms;        /* how long its contract lets it wait for a stopped peer */
    bool endless;                /* its contract lets it wait until rescue() */
    bool dear;                   /* takes milliseconds: its values are sampled */
};

struct hostile_case {
    const char *name;
    const char *object; /* the name of what setup() makes */
    int kind;           /* its kind, FERRY_KIND_…, which tells the words; 0: those of all kinds */
    size_t world_bytes;
    void (*setup)(void *world);    /* peer: makes the object and attaches to it */
    void (*teardown)(void *world); /* peer: detaches and removes it */
    /* Peer: what ends every wait.  The memory is as it was before; boards may be set by hand. */
    void (*rescue)(void *world, struct layout *control);
    const struct hostile_operation *operations; /* the last one has no name */
};

struct hostile_report {
    size_t words, operations, trials, errors, rescues; /* operations: in a race, its rounds */
    size_t pairs;       /* of a word that the layout names and a value */
    int64_t longest_ns; /* of the trials that nobody rescued */
    double seconds;
    char failure[1024]; /* "" if all went well */
};

/* Each adds a line about what it did to the test's output.  0, or -ECANCELED: something failed, and
 * the report says what.  ret_report may be NULL. */
int hostile_run(const struct hostile_case *hostile_case, struct hostile_report *ret_report);
int hostile_race(const struct hostile_case *hostile_case, struct hostile_report *ret_report);

#endif

/* A queue in the kill harness: who sent and received which message, in books that victim, survivor and third processes
 * share, and the questions that are asked after every death, whatever the operation was.
 *
 * Messages have numbers, and all about one follows from its number: sender, size, bytes, type, priority.  A party notes in
 * its books what it is about to do, does it, and notes what came of it.  So the books of who was killed say what may have
 * happened and what has; with all other books they give what has to be in the queue, and what may be. */
#ifndef KILL_CASES_QUEUE_WORLD_H
#define KILL_CASES_QUEUE_WORLD_H

#include <errno.h>
#include <stdatomic.h>

#include <ferry/ferry.h>

#include "../harness.h"
#include "test.h"

#define NAME "kill"

enum {
    MESSAGES = 6, /* so many fit, … */
    BYTES = 1024, /* … or so many bytes, … */
    LARGEST = 256 /* … of which each has at most so many */
};

/* The survivor filled the queue before; numbers of each party. */
enum { BEFORE, SURVIVOR, VICTIM, THIRD, PARTIES, NUMBERS_EACH = 16 };

struct books {
    _Atomic uint64_t tried, sent; /* one bit a message */
    _Atomic uint64_t got;
    _Atomic uint64_t
        takes; /* in the middle of an operation: what it may take out of the queue, … */
    _Atomic uint32_t most;   /* … so many of these at most */
    _Atomic int32_t dropped; /* so many oldest ones went for its own */
    _Atomic int32_t failed;  /* the last failure */
    uint32_t next;           /* number */
};

struct world {
    ferry_queue *queue; /* the survivor's, and as inherited the others' */
    ferry_queue *tap;
    int parcel;
    int readable, writable; /* the survivor's descriptor; -1: it does not poll */
    pid_t third;
    struct books books[PARTIES];
};

typedef void act(struct world *world, int who);

/* A kind of queue, which a scene is played on. */
struct shape {
    const char *name;
    struct ferry_queue_options options;
    bool rare; /* only in thorough runs */
};

/* What happens.  All but `name` and `victim` may be left out. */
struct scene {
    const char *name;
    unsigned needs;    /* flags without which it cannot be played, … */
    unsigned forbids;  /* … and with which it cannot */
    unsigned flags;    /* that are added */
    unsigned overflow; /* enum ferry_overflow */
    unsigned before;   /* so many messages are there */
    unsigned polls;    /* FERRY_READ, FERRY_WRITE: the survivor does, for that */
    bool taps;         /* somebody looks on, and sees everything */
    act *set_up;       /* survivor, as BEFORE */
    act *prepare;      /* victim, before the operation */
    act *victim;
    act *between; /* survivor, while the victim stands */
    act *second;  /* another victim, which meets what the first one left, as THIRD */
    act *unblock; /* survivor: ends the victim's sleep */
    act *third;   /* a third process, which stays asleep in it until somebody does something */
    act *settle;  /* survivor, before the questions: what it takes for the third one to end */
    act *check;   /* survivor, in place of the questions */
    int failure;  /* what the victim's operation fails with, if it comes to its end */
    int failure2; /* … or with that */
};

/* Queues with these cannot be looked on at. */
#define UNTAPPED (FERRY_TYPES | FERRY_PRIORITIES)

/* On all shapes that suit it. */
void play_killed(const struct scene *scene);
void play_paused(const struct scene *scene);
void play_recovery(const struct scene *scene);

bool has(unsigned flag); /* the queue of the current scene */

/* Sends and receives until a ring is so many cells farther, an even number. */
void go_on(ferry_queue *queue, uint32_t cells);
bool drops_newest(void);

/* ---- Messages --------------------------------------------------------------------------------- */

struct ferry_message message_of(unsigned number);
unsigned number_next(struct world *world, int who);
uint64_t bit(unsigned number);

/* Is that message what its number says, of which `copied` bytes came?  Returns the number. */
unsigned number_of(const struct ferry_message *message, size_t copied);

/* Whoever sent it, nobody has had it before; now this one has. */
void note_got(struct world *world, int who, unsigned number);

/* ---- Other processes -------------------------------------------------------------------------- */

/* Is it in the same nap as a moment ago?  The nap is empty at first. */
struct nap;
bool naps_on(pid_t pid, struct nap *nap);

/* Waits until it is asleep for more than a blink. */
void await_nap(pid_t pid);

/* ---- Questions -------------------------------------------------------------------------------- */

struct ferry_queue_statistics statistics_of(ferry_queue *queue);
bool is_in(struct world *world, unsigned number); /* sent, and nobody got it */

/* Nothing is lost, nothing comes twice; and from here on it is as if nobody had died. */
void check_messages(struct world *world);
void check_usable(struct world *world);
void check_books(struct world *world);

/* All who came are there or have gone. */
struct ferry_object check_members(void);

#endif

/* What the chapters of `ferry demo` are made of: a narrator who says what happens and measures it,
 * and actors, which are real processes that play their part on cue.
 *
 * Nothing is staged: a step that does not happen as told ends the tour with a complaint and exit
 * status 1.  Nothing waits for more than STORY_PATIENCE_NS, and an actor dies with its narrator. */
#ifndef FERRY_CLI_STORY_H
#define FERRY_CLI_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORY_PATIENCE_NS INT64_C(10000000000)

int64_t story_now_ns(void);

void story_heading(const char *title);

/* One line: what happens on the left, what came of it on the right (may be ""). */
__attribute__((format(printf, 2, 3))) void story_tell(const char *outcome, const char *format, ...);

/* Ends the process if it is not so. */
void story_expect(bool so, const char *what);

/* Ends the process if a library call failed. */
void story_must(int r, const char *what);

/* An actor as the narrator sees it.  `play` gets the actor's end of the stage; its return is its
 * exit. */
struct actor {
    pid_t pid;
    int stage;
};

struct actor actor_start(void (*play)(int stage, void *context), void *context);

/* Both sides: a number goes over the stage; the other one waits for it. */
void stage_send(int stage, int64_t number);
int64_t stage_receive(int stage);

/* Waits for the actor's exit and expects that it went as it should. */
void actor_finish(struct actor *actor);

/* Waits for the exit of one that was killed. */
void actor_bury(struct actor *actor);

/* The chapters. */
void demo_segment(void);

#endif

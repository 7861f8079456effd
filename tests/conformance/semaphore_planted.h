/* Semaphores with one fault each.  The bodies are run on them, to see that they notice. */
#ifndef FERRY_CONFORMANCE_SEMAPHORE_PLANTED_H
#define FERRY_CONFORMANCE_SEMAPHORE_PLANTED_H

/* What a process has taken is given back when it is gone, though nobody asked for that. */
extern const struct semaphore_back_end owned;

/* Each second unit that is given is lost. */
extern const struct semaphore_back_end lossy;

/* Who finds none is told that there was one: at once who would wait, and now and then who would not. */
extern const struct semaphore_back_end inventive;

/* At the most, to post is said to have worked. */
extern const struct semaphore_back_end bottomless;

/* Who waits announces itself, and whoever posts gives the unit to the one that it believes to be there. */
extern const struct semaphore_back_end to_the_dead;

/* A wait with a time that is short is over before it has looked. */
extern const struct semaphore_back_end hasty;

/* A signal ends each wait. */
extern const struct semaphore_back_end nervous;

/* Who waits is not counted. */
extern const struct semaphore_back_end uncounted;

/* Steps are done one by one. */
extern const struct semaphore_back_end piecemeal;

/* Steps are done from the last to the first. */
extern const struct semaphore_back_end backwards;

/* Steps that wait for zero do not wait. */
extern const struct semaphore_back_end zero_blind;

/* Nothing is given back. */
extern const struct semaphore_back_end forgetful;

/* All steps are given back. */
extern const struct semaphore_back_end overzealous;

/* A child owes what its parent does. */
extern const struct semaphore_back_end hereditary;

/* What is owed stays so when the value is set. */
extern const struct semaphore_back_end clinging;

#define SEMAPHORE_CONFORMANCE_ON_ALL(name_, needs_, seconds_)                                      \
    SEMAPHORE_CONFORMANCE_ON(owned, name_, needs_, seconds_)                                       \
    SEMAPHORE_CONFORMANCE_ON(lossy, name_, needs_, seconds_)                                       \
    SEMAPHORE_CONFORMANCE_ON(inventive, name_, needs_, seconds_)                                   \
    SEMAPHORE_CONFORMANCE_ON(bottomless, name_, needs_, seconds_)                                  \
    SEMAPHORE_CONFORMANCE_ON(to_the_dead, name_, needs_, seconds_)                                 \
    SEMAPHORE_CONFORMANCE_ON(hasty, name_, needs_, seconds_)                                       \
    SEMAPHORE_CONFORMANCE_ON(nervous, name_, needs_, seconds_)                                     \
    SEMAPHORE_CONFORMANCE_ON(uncounted, name_, needs_, seconds_)                                   \
    SEMAPHORE_CONFORMANCE_ON(piecemeal, name_, needs_, seconds_)                                   \
    SEMAPHORE_CONFORMANCE_ON(backwards, name_, needs_, seconds_)                                   \
    SEMAPHORE_CONFORMANCE_ON(zero_blind, name_, needs_, seconds_)                                  \
    SEMAPHORE_CONFORMANCE_ON(forgetful, name_, needs_, seconds_)                                   \
    SEMAPHORE_CONFORMANCE_ON(overzealous, name_, needs_, seconds_)                                 \
    SEMAPHORE_CONFORMANCE_ON(hereditary, name_, needs_, seconds_)                                  \
    SEMAPHORE_CONFORMANCE_ON(clinging, name_, needs_, seconds_)

#endif

/* Who waits for a mutex, or for a condition, and does one of them keep the vigil?  See src/shared/lobby.h. */
#ifndef KILL_CASES_LOBBIES_H
#define KILL_CASES_LOBBIES_H

#include <stdbool.h>
#include <string.h>

#include <ferry/ferry.h>

#include "test.h"

struct lobby_sentry {
    const char *group; /* "mutex" or "condition" */
    uint64_t tag;
};

static inline int lobby_find_sentry(const struct ferry_field *field, void *memory)
{
    struct lobby_sentry *sentry = memory;
    if (strcmp(field->group, sentry->group) == 0 && strcmp(field->name, "sentry") == 0)
        sentry->tag = field->value;
    return 0;
}

/* Also true if the sentry has died and nobody has taken its place. */
static inline bool has_sentry(const char *name, const char *group)
{
    struct lobby_sentry sentry = {.group = group};
    CHECK_OK(ferry_look_raw(name, lobby_find_sentry, &sentry));
    return sentry.tag != 0;
}

/* How many of those alive wait. */
static inline int waiters(const char *name)
{
    struct ferry_member members[8];
    int there = ferry_look_members(name, members, 8), waiting = 0;
    CHECK_OK(there);
    for (int i = 0; i < there && i < 8; i++)
        waiting += members[i].alive && (members[i].wants_lock || members[i].waiting);
    return waiting;
}

#endif

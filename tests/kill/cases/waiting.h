/* Does anybody wait for an object to change? */
#ifndef KILL_CASES_WAITING_H
#define KILL_CASES_WAITING_H

#include <stdbool.h>

#include <ferry/ferry.h>

static inline bool somebody_waits(const char *name)
{
    struct ferry_member members[4];
    int count = ferry_look_members(name, members, 4);
    for (int i = 0; i < count && i < 4; i++)
        if (members[i].waiting)
            return true;
    return false;
}

#endif

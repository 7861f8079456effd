/* The inside of a condition's handle, for condition.c and handover.c. */
#ifndef FERRY_IPC_CONDITION_H
#define FERRY_IPC_CONDITION_H

#include <ferry/condition.h>

#include "ipc/object.h"
#include "shared/condition.h"

struct ferry_condition {
    struct object object;
    struct condition condition;
    ferry_mutex *mutex; /* the caller's */
};

/* *ret_condition is a ferry_condition *, still without its mutex. */
object_adopt condition_new;

/* Gives it that.  -EINVAL if it belongs to another one. */
int condition_bind(ferry_condition *condition, ferry_mutex *mutex);

#endif

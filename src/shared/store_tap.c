/* Looking on at a queue with a store. */
#include <errno.h>

#include "shared/store_inside.h"

int store_tap_begin(struct flow *flow)
{
    (void)flow;
    return fail(-EOPNOTSUPP, "a queue with types, priorities or large messages cannot be tapped");
}

ssize_t store_try_tap(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed)
{
    (void)flow;
    (void)message;
    (void)ret_missed;
    return -EAGAIN;
}

int store_await_sight(struct flow *flow, deadline end)
{
    (void)flow;
    (void)end;
    return -EAGAIN;
}

void store_tap_end(struct flow *flow)
{
    (void)flow;
}

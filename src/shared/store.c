/* Stand-in. */
#include "shared/flow.h"
static int init(struct flow *flow)
{
    (void)flow;
    return fail(-EOPNOTSUPP, "no store yet");
}
static void deinit(struct flow *flow)
{
    (void)flow;
}
struct flow_needs store_needs(const struct flow_shape *shape)
{
    return (struct flow_needs){.data_bytes = shape->bytes};
}
int store_begin(int control_fd, const struct flow_shape *shape)
{
    (void)control_fd;
    (void)shape;
    return 0;
}
const struct flow_engine store_engine = {.init = init, .deinit = deinit};

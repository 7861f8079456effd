/* A plug-in that was built for another version of the bench; its sides are not to be looked at. */
#include "bench/side.h"

__attribute__((visibility("default"))) const struct bench_plugin ferry_bench_plugin = {
    .version = PLANTED_VERSION,
    .side_bytes = PLANTED_SIDE_BYTES,
    .name = "misfit",
    .sides = (const struct bench_side *const *)16,
};

/* What the fuzz targets share.  A target is libFuzzer's LLVMFuzzerTestOneInput(): it is called with
 * one input after another, and whatever is wrong ends the process.  Linked with main.c it runs the
 * files that it is given instead, for builds without libFuzzer. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input that is consumed from the front; behind its end there are zeros. */
struct input {
    const uint8_t *data;
    size_t left;
};

uint64_t input_take(struct input *input, size_t bytes);

/* A private root, made at the first call in $FERRY_FUZZ_ROOT or /dev/shm, removed at exit. */
const char *fuzz_root(void);

/* Ends the process if descriptors were left open since the first call. */
void fuzz_check_descriptors(void);

#endif

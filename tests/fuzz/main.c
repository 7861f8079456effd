/* Runs a fuzz target on the files named, where there is no libFuzzer to do so. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

static int run(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run(argv[i]);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What the command line and the environment ask of a test run. */
#ifndef FERRY_TEST_SETTINGS_H
#define FERRY_TEST_SETTINGS_H

#include <stdbool.h>

struct settings {
    bool list;
    bool thorough;      /* --thorough, FERRY_TEST_THOROUGH=1 */
    double time_factor; /* --timeout, FERRY_TEST_TIMEOUT: multiplies every limit */
    unsigned repeat;
    const char *only; /* run the cases whose names contain it; NULL runs all */
};

extern struct settings settings;

/* Fills in settings; prints and exits on nonsense or --help. */
void settings_read(int argc, char **argv);

#endif

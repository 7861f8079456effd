/* The options of every test executable. */
#include "settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

struct settings settings = {.time_factor = 1, .repeat = 1};

static const char usage[] =
    "usage: %s [options]\n"
    "  --list            print the names of the cases and exit\n"
    "  --only SUBSTRING  run the cases whose names contain it\n"
    "  --repeat N        run each case N times\n"
    "  --thorough        take the time that rare faults need (FERRY_TEST_THOROUGH=1)\n"
    "  --timeout FACTOR  multiply every time limit (FERRY_TEST_TIMEOUT)\n";

static double positive(const char *program, const char *text)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number > 0)) {
        fprintf(stderr, "%s: '%s' is not a number above 0\n", program, text);
        exit(2);
    }
    return number;
}

static void read_environment(const char *program)
{
    const char *thorough = getenv("FERRY_TEST_THOROUGH");
    settings.thorough = thorough && *thorough && strcmp(thorough, "0") != 0;
    const char *factor = getenv("FERRY_TEST_TIMEOUT");
    if (factor && *factor)
        settings.time_factor = positive(program, factor);
}

void settings_read(int argc, char **argv)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},
        {"only", required_argument, NULL, 'o'},
        {"repeat", required_argument, NULL, 'r'},
        {"thorough", no_argument, NULL, 'T'},
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    read_environment(argv[0]);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'l':
            settings.list = true;
            break;
        case 'o':
            settings.only = optarg;
            break;
        case 'r':
            settings.repeat = (unsigned)positive(argv[0], optarg);
            break;
        case 'T':
            settings.thorough = true;
            break;
        case 't':
            settings.time_factor = positive(argv[0], optarg);
            break;
        default:
            fprintf(option == 'h' ? stdout : stderr, usage, argv[0]);
            exit(option == 'h' ? 0 : 2);
        }
    }
}

bool test_thorough(void)
{
    return settings.thorough;
}

bool test_is_emulated(void)
{
    static const char emulator[] = "qemu-";
    char command[32] = "";
    FILE *file = fopen("/proc/self/comm", "re");
    bool is_read = file && fgets(command, sizeof command, file);
    if (file)
        fclose(file);
    return is_read && strncmp(command, emulator, sizeof emulator - 1) == 0;
}

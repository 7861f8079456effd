/* ferry help: all verbs, or one. */
#include <stdio.h>

#include "cli/options.h"

void verb_print_help(const struct verb *verb)
{
    printf("usage: ferry %s %s%s[OPTION…]\n\n%s", verb->name, verb->operands,
           verb->operands[0] ? " " : "", verb->help);
}

static void print_overview(void)
{
    puts("usage: ferry VERB [OPERAND…] [OPTION…]\n"
         "\n"
         "Interprocess communication for Linux: one way to name, open, wait for, look at\n"
         "and clean up what processes share.\n"
         "\n"
         "Verbs");
    for (size_t i = 0; verbs[i]; i++)
        printf("  %-8s%s\n", verbs[i]->name, verbs[i]->summary);
    puts("\n"
         "A NAME is 1 to 200 bytes without slash, colon or control character, and without\n"
         "a dot or dash in front.  Also names: key:0x0104abcd, and key:PATH:PROJECT for\n"
         "the key that every program makes from that file and number.\n"
         "Sizes: 4097, 64K, 1M.  Times: 100ms, 2s, 5m.  Options may stand anywhere behind\n"
         "the verb; -- ends them.\n"
         "\n"
         "Objects live in $FERRY_ROOT, or /dev/shm.\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage, 3 timed out or nothing there.\n"
         "\n"
         "`ferry help VERB` tells more; `ferry demo` shows it at work.");
}

static int run(int argc, char **argv)
{
    const struct option options[] = {{0}};
    int count = options_parse(&verb_help, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    if (count == 0) {
        print_overview();
        return STATUS_DONE;
    }
    const struct verb *verb = verb_find(argv[0]);
    if (verb == NULL)
        return STATUS_USAGE;
    verb_print_help(verb);
    return STATUS_DONE;
}

const struct verb verb_help = {
    .name = "help",
    .summary = "explain a verb",
    .operands = "[VERB]",
    .most_operands = 1,
    .help = "Tells what a verb does, its options, examples and exit status; without a verb,\n"
            "which verbs there are.\n"
            "\n"
            "Examples\n"
            "  ferry help new\n"
            "\n"
            "Exit status: 0 done; 2 there is no such verb.\n",
    .run = run,
};

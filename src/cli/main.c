/* The command: `ferry VERB [OPTION…] [OPERAND…]`.
 *
 * Nothing here outlives the command, and no verb keeps state between runs: killing the command at
 * any moment harms nobody, since everything shared goes through the library. */
#include <stdio.h>
#include <string.h>

#include <ferry/ferry.h>

#include "cli/output.h"
#include "cli/spelling.h"
#include "cli/verb.h"

const struct verb *const verbs[] = {
    &verb_new,    &verb_ls,      &verb_show,  &verb_rm,   &verb_write, &verb_read,
    &verb_send,   &verb_receive, &verb_tap,   &verb_wait, &verb_post,  &verb_lock,
    &verb_doctor, &verb_demo,    &verb_bench, &verb_help, NULL,
};

static int unknown_verb(const char *name)
{
    struct guess guess = guess_start(name);
    char list[256] = "";
    for (size_t i = 0; verbs[i]; i++) {
        guess_consider(&guess, verbs[i]->name);
        strncat(list, " ", sizeof(list) - strlen(list) - 1);
        strncat(list, verbs[i]->name, sizeof(list) - strlen(list) - 1);
    }
    if (guess.best)
        complain("there is no verb \"%s\"; did you mean \"%s\"? The verbs are:%s", name, guess.best,
                 list);
    else
        complain("there is no verb \"%s\"; the verbs are:%s", name, list);
    return STATUS_USAGE;
}

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; verbs[i]; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    unknown_verb(name);
    return NULL;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* `--help` anywhere before `--` wins over everything else on the line. */
static bool wants_help(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (is_help(*argv))
            return true;
    return false;
}

static int run_verb(int argc, char **argv)
{
    const struct verb *verb = verb_find(argv[0]);
    if (verb == NULL)
        return STATUS_USAGE;
    if (wants_help(argv + 1)) {
        verb_print_help(verb);
        return STATUS_DONE;
    }
    return verb->run(argc - 1, argv + 1);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        complain("which verb? `ferry help` lists them, `ferry demo` shows what it is all about");
        return STATUS_USAGE;
    }
    if (is_help(argv[1]))
        return verb_help.run(0, argv + argc);
    if (strcmp(argv[1], "--version") == 0) {
        printf("ferry %s\n", ferry_version());
        return STATUS_DONE;
    }
    if (argv[1][0] == '-') {
        complain("there is no option \"%s\" before the verb; options come behind it, only --help "
                 "and --version stand alone",
                 argv[1]);
        return STATUS_USAGE;
    }
    return run_verb(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    output_start();
    return output_finish(run(argc, argv));
}

/* See options.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ferry/base.h>

#include "base/number.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/spelling.h"

/* "-" alone is an operand, as everywhere. */
static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

/* `argument` is "-f", "--force" or "--at=5"; the value is not part of the name. */
static bool matches(const struct option *option, const char *argument)
{
    if (argument[1] != '-')
        return option->letter != 0 && argument[1] == option->letter && argument[2] == '\0';
    size_t length = strcspn(argument + 2, "=");
    return strlen(option->name) == length && strncmp(option->name, argument + 2, length) == 0;
}

static const struct option *find(const struct option *options, const char *argument)
{
    for (; options->name; options++)
        if (matches(options, argument))
            return options;
    return NULL;
}

static void complain_unknown(const struct verb *verb, const struct option *options,
                             const char *argument)
{
    char *word = expect_memory(strdup(argument + strspn(argument, "-")));
    word[strcspn(word, "=")] = '\0';
    struct guess guess = guess_start(word);
    for (; options->name; options++)
        guess_consider(&guess, options->name);
    if (guess.best)
        complain("%s has no option \"%s\"; did you mean --%s?", verb->name, argument, guess.best);
    else
        complain("%s has no option \"%s\"; see `ferry help %s`, and put -- before an operand that "
                 "begins with a dash",
                 verb->name, argument, verb->name);
    free(word);
}

static int parse_number(const char *text, uint64_t *ret_number)
{
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return -EINVAL;
    errno = 0;
    *ret_number = strtoull(text, NULL, 10);
    return -errno;
}

/* Permissions as chmod(1) writes them.  Mode 0 would lock out its own maker. */
static int parse_mode(const char *text, unsigned *ret_mode)
{
    unsigned long mode = strtoul(text, NULL, 8);
    if (strspn(text, "01234567") != strlen(text) || mode == 0 || mode > 0777)
        return -EINVAL;
    *ret_mode = (unsigned)mode;
    return 0;
}

static int complain_value(const struct option *option, const char *text)
{
    if (option->mode)
        complain("--%s: \"%s\" is not a mode; write it in octal, from 0001 to 0777, as in 0640",
                 option->name, text);
    else if (option->number)
        complain("--%s: \"%s\" is not a number from 0 to 18446744073709551615", option->name, text);
    else
        complain("--%s: %s", option->name, ferry_explain());
    return -1;
}

static int store(const struct option *option, const char *text)
{
    if (option->text) {
        *option->text = text;
        return 0;
    }
    int r = option->size       ? number_parse_size(text, option->size)
            : option->number   ? parse_number(text, option->number)
            : option->duration ? number_parse_duration(text, option->duration)
                               : parse_mode(text, option->mode);
    return r < 0 ? complain_value(option, text) : 0;
}

static int complain_missing(const struct option *option)
{
    complain("--%s needs %s", option->name,
             option->size       ? "a size behind it, as in 4097 or 64K"
             : option->number   ? "a number behind it"
             : option->duration ? "a duration behind it, as in 100ms or 2s"
             : option->text     ? "a word behind it"
                                : "a mode behind it, as in 0640");
    return -1;
}

/* Takes argv[*at] and, where the value stands on its own, the argument behind it. */
static int take(const struct verb *verb, const struct option *options, int argc, char **argv,
                int *at)
{
    const char *argument = argv[*at];
    const struct option *option = find(options, argument);
    if (option == NULL) {
        complain_unknown(verb, options, argument);
        return -1;
    }
    if (option->given)
        *option->given = true;
    const char *value = argument[1] == '-' ? strchr(argument, '=') : NULL;
    if (option->flag) {
        if (value)
            complain("--%s takes no value", option->name);
        *option->flag = true;
        return value ? -1 : 0;
    }
    if (value)
        return store(option, value + 1);
    if (*at + 1 >= argc || is_option(argv[*at + 1]))
        return complain_missing(option);
    return store(option, argv[++*at]);
}

static int check_count(const struct verb *verb, int operands, char **argv)
{
    if (operands < verb->least_operands)
        complain("%s needs %s; see `ferry help %s`", verb->name, verb->operands, verb->name);
    else if (operands > verb->most_operands && verb->most_operands == 0)
        complain("%s takes no operand: \"%s\" is one too many", verb->name, argv[0]);
    else if (operands > verb->most_operands)
        complain("%s takes %s; \"%s\" is too much, put quotes around a text with blanks",
                 verb->name, verb->operands, argv[verb->most_operands]);
    else
        return operands;
    return -1;
}

int options_parse(const struct verb *verb, const struct option *options, int argc, char **argv)
{
    int operands = 0;
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        if (ended || !is_option(argv[i]))
            argv[operands++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            ended = true;
        else if (take(verb, options, argc, argv, &i) < 0)
            return -1;
    }
    return check_count(verb, operands, argv);
}

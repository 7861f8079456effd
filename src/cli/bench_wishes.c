/* See bench_wishes.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench/sides.h"
#include "cli/bench_wishes.h"
#include "cli/output.h"
#include "cli/spelling.h"
#include "cli/verb.h"

static bool names_experiment(const char *name)
{
    for (size_t i = 0; i < experiment_count; i++)
        if (strncmp(name, experiments[i].name, strlen(name)) == 0)
            return true;
    return false;
}

int bench_check_names(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names_experiment(names[i]))
            continue;
        struct guess guess = guess_start(names[i]);
        for (size_t j = 0; j < experiment_count; j++)
            guess_consider(&guess, experiments[j].name);
        if (guess.best)
            complain("there is no experiment \"%s\"; did you mean \"%s\"?", names[i], guess.best);
        else
            complain("there is no experiment \"%s\"; `ferry bench --list` shows them all",
                     names[i]);
        return STATUS_USAGE;
    }
    return STATUS_DONE;
}

static bool names_side(const char *word, const struct bench_side *const *sides)
{
    for (; *sides; sides++)
        if (strncasecmp(word, (*sides)->name, strlen(word)) == 0)
            return true;
    return false;
}

void word_list_cleanup(struct word_list *list)
{
    free(list->text);
    list->text = NULL;
}

int bench_parse_sides(const char *text, struct word_list *ret_list)
{
    struct report unused = {0};
    const struct bench_side *const *sides = sides_all(&unused);
    int status = STATUS_DONE;
    char *rest = ret_list->text = expect_memory(strdup(text));
    for (char *word; status == STATUS_DONE && (word = strsep(&rest, ",")) != NULL;) {
        if (word[0] == '\0' || !names_side(word, sides)) {
            complain("--side: there is no side \"%s\"; `ferry bench --list` shows them all", word);
            status = STATUS_USAGE;
        } else if (ret_list->count == BENCH_MOST_SIDES) {
            complain("--side: %d sides at most", BENCH_MOST_SIDES);
            status = STATUS_USAGE;
        } else {
            ret_list->words[ret_list->count++] = word;
        }
    }
    report_deinit(&unused);
    return status;
}

int bench_parse_cpus(const char *text, int ret_cpus[2])
{
    char end;
    if (sscanf(text, "%d,%d%c", &ret_cpus[0], &ret_cpus[1], &end) == 2 && ret_cpus[0] >= 0 &&
        ret_cpus[1] >= 0 && ret_cpus[0] != ret_cpus[1])
        return STATUS_DONE;
    complain("--cpus: \"%s\" is not two processors; write them as in 2,3", text);
    return STATUS_USAGE;
}

static bool takes_part(const struct experiment *experiment, const struct bench_side *side)
{
    for (unsigned place = 1; place <= PLACE_ALONE; place <<= 1)
        if (experiment->placements & place &&
            experiment_has(experiment, side, (enum bench_placement)place))
            return true;
    return false;
}

int bench_print_list(void)
{
    struct report report = {0};
    const struct bench_side *const *sides = sides_all(&report);
    for (size_t i = 0; i < experiment_count; i++) {
        const char *separator = "";
        printf("%s%s: %s\n ", i > 0 ? "\n" : "", experiments[i].name, experiments[i].title);
        for (size_t j = 0; sides[j]; j++)
            if (takes_part(&experiments[i], sides[j])) {
                printf("%s %s", separator, sides[j]->name);
                separator = " ·";
            }
        putchar('\n');
    }
    for (size_t i = 0; i < report.missing_count; i++)
        output_line("%s%s", i == 0 ? "\nNot here: " : "          ", report.missing[i]);
    report_deinit(&report);
    return STATUS_DONE;
}

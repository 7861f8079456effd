/* What a `ferry bench` command line asks for. */
#ifndef FERRY_CLI_BENCH_WISHES_H
#define FERRY_CLI_BENCH_WISHES_H

#include "bench/conductor.h"

#define BENCH_MOST_SIDES 32

/* Words that are split out of one; the text is the caller's to keep. */
struct word_list {
    char *text;
    const char *words[BENCH_MOST_SIDES];
    size_t count;
};

/* Does every name stand for some experiment?  0, or an exit status after a complaint. */
int bench_check_names(const char *const *names, size_t count);

/* "Ferry,pipe" as sides whose names begin so: the same. */
int bench_parse_sides(const char *text, struct word_list *ret_list);
void word_list_cleanup(struct word_list *list);

/* "2,3" as two processors: the same. */
int bench_parse_cpus(const char *text, int ret_cpus[2]);

/* Prints all experiments and who takes part in them. */
int bench_print_list(void);

#endif

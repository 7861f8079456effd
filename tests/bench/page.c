/* The report's page of a saved run: JSON on standard input, HTML on standard output. */
#include <stdio.h>
#include <string.h>

#include "bench/html.h"
#include "bench/read.h"

int main(void)
{
    struct report report;
    struct read_problem problem = {""};
    if (report_read(stdin, &report, &problem) < 0) {
        fprintf(stderr, "%s\n", problem.text);
        return 2;
    }
    int r = html_write(&report, stdout);
    if (r < 0)
        fprintf(stderr, "%s\n", strerror(-r));
    report_deinit(&report);
    return r < 0;
}

/* A table for people: cells are gathered first, so that columns are as wide as they need to be.
 *
 *     struct table table = table_start((const char *const[]){"NAME", ">SIZE", NULL});
 *     table_cell(&table, "%s", name);
 *     table_cell(&table, "%s", phrase_size(bytes).text);
 *     table_print(&table, stdout);
 */
#ifndef FERRY_CLI_TABLE_H
#define FERRY_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

struct table {
    const char *const *headings; /* '>' before one aligns its column to the right */
    size_t columns;
    char **cells; /* row by row */
    size_t count;
    size_t *widths; /* of the columns, while it is printed */
};

struct table table_start(const char *const *headings);
__attribute__((format(printf, 2, 3))) void table_cell(struct table *table, const char *format, ...);

/* Prints headings and rows, nothing if there is no row, and frees the cells. */
void table_print(struct table *table, FILE *out);

#endif

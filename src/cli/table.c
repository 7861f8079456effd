/* See table.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/table.h"
#include "cli/text.h"

struct table table_start(const char *const *headings)
{
    struct table table = {.headings = headings};
    while (headings[table.columns])
        table.columns++;
    return table;
}

void table_cell(struct table *table, const char *format, ...)
{
    if ((table->count & (table->count - 1)) == 0) { /* room doubles when it is full */
        size_t room = table->count ? table->count * 2 : 1;
        table->cells = expect_memory(realloc(table->cells, room * sizeof(*table->cells)));
    }
    va_list arguments;
    va_start(arguments, format);
    table->cells[table->count++] = safe_text(format, arguments);
    va_end(arguments);
}

static bool is_right(const struct table *table, size_t column)
{
    return table->headings[column][0] == '>';
}

static const char *heading(const struct table *table, size_t column)
{
    return table->headings[column] + is_right(table, column);
}

static size_t measure(const struct table *table, size_t column)
{
    size_t widest = text_width(heading(table, column));
    for (size_t i = column; i < table->count; i += table->columns) {
        size_t width = text_width(table->cells[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Prints one cell.  Blanks are owed until text follows, so that no line ends in them. */
static void print_cell(const struct table *table, size_t column, const char *text, int *owed,
                       FILE *out)
{
    int padding = (int)(table->widths[column] - text_width(text));
    int before = is_right(table, column) ? padding : 0;
    *owed += before;
    if (text[0] != '\0') {
        fprintf(out, "%*s%s", *owed, "", text);
        *owed = 0;
    }
    *owed += padding - before + 2;
}

static void print_headings(const struct table *table, FILE *out)
{
    bool colour = output_has_colour();
    int owed = 0;
    fputs(colour ? "\033[1m" : "", out);
    for (size_t column = 0; column < table->columns; column++)
        print_cell(table, column, heading(table, column), &owed, out);
    fputs(colour ? "\033[0m\n" : "\n", out);
}

void table_print(struct table *table, FILE *out)
{
    /* Once, and not for each cell: a stranger's object may seem to have thousands of members. */
    table->widths = expect_memory(calloc(table->columns, sizeof(*table->widths)));
    for (size_t column = 0; column < table->columns; column++)
        table->widths[column] = measure(table, column);
    if (table->count > 0)
        print_headings(table, out);
    int owed = 0;
    for (size_t i = 0; i < table->count; i++) {
        print_cell(table, i % table->columns, table->cells[i], &owed, out);
        if ((i + 1) % table->columns == 0) {
            fputc('\n', out);
            owed = 0;
        }
    }
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->widths);
    table->cells = NULL;
    table->widths = NULL;
    table->count = 0;
}

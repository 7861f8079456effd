/* ferry ls: lists every object, and watches them. */
#include <limits.h>
#include <stdio.h>

#include "cli/object.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/watch.h"

static void add_row(struct table *table, const struct ferry_object *object)
{
    bool known = !object->damaged;
    table_cell(table, "%s", ferry_kind_name(object->kind));
    table_cell(table, "%s", object_title(object));
    table_cell(table, "%s", known ? phrase_size(object->size_bytes).text : "?");
    table_cell(table, known ? "%04o" : "?", object->mode);
    table_cell(table, "%s", known ? object_owner(object).text : "?");
    table_cell(table, "%s", known ? object_attached(object).text : "?");
    table_cell(table, "%s", known ? phrase_age(object_last_use(object)).text : "?");
    table_cell(table, "%s", object_state(object).text);
}

void listing_print(const struct listing *listing, FILE *out)
{
    static const char *const headings[] = {"KIND",     "NAME",     ">SIZE", "MODE", "OWNER",
                                           "ATTACHED", "LAST USE", "STATE", NULL};
    struct table table = table_start(headings);
    for (size_t i = 0; i < listing->count; i++)
        add_row(&table, &listing->objects[i]);
    table_print(&table, out);
}

static void print_names(const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        output_line("%s", listing->objects[i].name);
}

static void print_json(const struct listing *listing)
{
    struct json json = {0};
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < listing->count; i++) {
        json_open(&json, NULL, '{');
        object_to_json(&listing->objects[i], &json);
        json_close(&json, '}');
    }
    json_close(&json, ']');
}

struct request {
    uint64_t kinds; /* one bit for each; none means all */
    bool as_json;
    bool names_only;
    bool watch;
};

static int list_once(const struct request *request)
{
    struct listing listing;
    int status = listing_take(&listing, request->kinds);
    if (status)
        return status;
    if (request->as_json)
        print_json(&listing);
    else if (request->names_only)
        print_names(&listing);
    else
        listing_print(&listing, stdout);
    listing_free(&listing);
    return STATUS_DONE;
}

static int take_kinds(uint64_t *kinds, int count, char **words)
{
    for (int i = 0; i < count; i++) {
        int kind = operand_kind(words[i]);
        if (kind < 0)
            return STATUS_USAGE;
        *kinds |= UINT64_C(1) << kind;
    }
    return 0;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    const struct option options[] = {
        {.name = "json", .flag = &request.as_json},
        {.name = "names", .flag = &request.names_only},
        {.name = "watch", .flag = &request.watch},
        {0},
    };
    int count = options_parse(&verb_ls, options, argc, argv);
    if (count < 0 || take_kinds(&request.kinds, count, argv) != 0)
        return STATUS_USAGE;
    if (request.names_only && (request.as_json || request.watch)) {
        complain("--names goes with neither --json nor --watch");
        return STATUS_USAGE;
    }
    return request.watch ? watch(request.kinds, request.as_json) : list_once(&request);
}

const struct verb verb_ls = {
    .name = "ls",
    .summary = "list objects, and watch them",
    .operands = "[KIND…]",
    .most_operands = INT_MAX,
    .help = "Lists all objects, or those of the kinds given: named ones, and anonymous and\n"
            "removed ones that some process still holds.\n"
            "\n"
            "Options\n"
            "  --json          as JSON, which stays as it is; the plain form may change\n"
            "  --names         names alone, one a line\n"
            "  --watch         go on until interrupted: on a terminal the table as it is\n"
            "                  now, elsewhere a line whenever an object changes\n"
            "\n"
            "ATTACHED counts living members, by the kernel's word; members that were killed\n"
            "are counted beside them until their places are used again.  Objects without\n"
            "a name are found through /proc: where it is not mounted, they are not shown.\n"
            "\n"
            "Examples\n"
            "  ferry ls\n"
            "  ferry ls segment --watch\n"
            "\n"
            "Exit status: 0 done (no object at all is fine); 1 failed; 2 wrong usage.\n",
    .run = run,
};

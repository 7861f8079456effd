/* ferry show: all that is known about one object and its members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/new_queue.h"
#include "cli/object.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/raw.h"
#include "cli/show_kinds.h"
#include "cli/table.h"

struct members {
    struct ferry_member *items;
    size_t count;
};

static void members_free(struct members *members)
{
    free(members->items);
}

/* Asks again with more room for as long as more have come in between. */
static int members_take(const char *name, struct members *ret_members)
{
    size_t room = 16;
    for (;;) {
        struct ferry_member *items = expect_memory(calloc(room, sizeof(*items)));
        int count = ferry_look_members(name, items, room);
        if (count >= 0 && (size_t)count <= room) {
            *ret_members = (struct members){items, (size_t)count};
            return 0;
        }
        free(items);
        if (count < 0)
            return report(count);
        room = (size_t)count + 16;
    }
}

/* ---- For people ------------------------------------------------------------------------------ */

static void print_origin(const struct ferry_object *object)
{
    output_line("  owner        %s:%s, mode %04o", object_owner(object).text,
                object_group(object).text, object->mode);
    output_line("  size         %s bytes; %s bytes of memory with the bookkeeping",
                phrase_count(object->size_bytes).text, phrase_count(object->reserved_bytes).text);
    output_line("  created      %s, %s, by pid %d", phrase_moment(object->created_unix_ms).text,
                phrase_age(object->created_unix_ms).text, (int)object->creator_pid);
}

static void print_event(const char *what, int64_t unix_ms, pid_t pid)
{
    if (unix_ms == 0)
        output_line("  %-12s never", what);
    else
        output_line("  %-12s %s, by pid %d", what, phrase_age(unix_ms).text, (int)pid);
}

static void print_traffic(const struct ferry_object *object)
{
    output_line("  attached     %s; %s came, %s left, %s died", object_attached(object).text,
                phrase_count(object->attach_count).text, phrase_count(object->detach_count).text,
                phrase_count(object->death_count).text);
    print_event("last attach", object->last_attach_unix_ms, object->last_attach_pid);
    print_event("last detach", object->last_detach_unix_ms, object->last_detach_pid);
}

static const char *role_name(unsigned role)
{
    switch (role & (FERRY_READ | FERRY_WRITE)) {
    case 0:
        return "look";
    case FERRY_READ:
        return "read";
    case FERRY_WRITE:
        return "write";
    default:
        return "read-write";
    }
}

static void print_members(int kind, const struct members *members)
{
    static const char *const headings[] = {">  SLOT", ">PID",   "COMMAND", "ROLE",
                                           "STATE",   "JOINED", "DOING",   NULL};
    struct table table = table_start(headings);
    for (size_t i = 0; i < members->count; i++) {
        const struct ferry_member *member = &members->items[i];
        table_cell(&table, "%u", member->slot);
        table_cell(&table, "%d%s", (int)member->pid,
                   member->same_pid_namespace ? "" : " elsewhere");
        table_cell(&table, "%s", member->command[0] ? member->command : "-");
        table_cell(&table, "%s", role_name(member->role));
        table_cell(&table, "%s", member->alive ? "alive" : "dead");
        table_cell(&table, "%s", phrase_age(member->joined_unix_ms).text);
        table_cell(&table, "%s", show_doing(kind, member).text);
    }
    if (members->count > 0)
        putchar('\n');
    table_print(&table, stdout);
}

static void print(const struct ferry_object *object, const struct members *members)
{
    struct state state = object_state(object);
    output_line("%s %s%s%s", ferry_kind_name(object->kind), object_title(object),
                state.text[0] ? ": " : "", state.text);
    if (object->damaged)
        return;
    print_origin(object);
    print_traffic(object);
    show_kind(object);
    print_members(object->kind, members);
}

/* ---- For programs ---------------------------------------------------------------------------- */

/* As `ferry receive` has it. */
static const char *selection_name(unsigned selection)
{
    return selection == FERRY_OF_TYPE  ? "type"
           : selection == FERRY_UP_TO  ? "max-type"
           : selection == FERRY_EXCEPT ? "except"
                                       : "any";
}

static void member_to_json(const struct ferry_member *member, struct json *json)
{
    json_open(json, NULL, '{');
    json_number(json, "slot", member->slot);
    json_number(json, "pid", (uint64_t)member->pid);
    json_bool(json, "alive", member->alive);
    json_bool(json, "same_pid_namespace", member->same_pid_namespace);
    json_text(json, "role", role_name(member->role));
    json_number(json, "joined_unix_ms", (uint64_t)member->joined_unix_ms);
    json_bool(json, "waiting", member->waiting);
    json_bool(json, "opening", member->opening);
    json_bool(json, "holds_lock", member->holds_lock);
    json_bool(json, "wants_lock", member->wants_lock);
    json_number(json, "read_holds", member->read_holds);
    json_text(json, "selection", selection_name(member->selection));
    json_number(json, "type", member->type);
    json_text(json, "command", member->command);
    json_close(json, '}');
}

static void members_to_json(const struct members *members, struct json *json)
{
    json_open(json, "members", '[');
    for (size_t i = 0; i < members->count; i++)
        member_to_json(&members->items[i], json);
    json_close(json, ']');
}

static void print_json(const struct ferry_object *object, const struct members *members)
{
    struct json json = {0};
    json_open(&json, NULL, '{');
    object_to_json(object, &json);
    if (!object->damaged)
        members_to_json(members, &json);
    json_close(&json, '}');
}

/* ---------------------------------------------------------------------------------------------- */

static int show(const char *name, bool as_json)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    struct members members CLEANUP(members_free) = {0};
    int r = ferry_look(name, &object);
    if (r < 0)
        return report(r);
    int status = object.damaged ? 0 : members_take(name, &members);
    if (status)
        return status;
    (as_json ? print_json : print)(&object, &members);
    return STATUS_DONE;
}

static int run(int argc, char **argv)
{
    bool as_json = false, raw = false;
    const struct option options[] = {
        {.name = "json", .flag = &as_json},
        {.name = "raw", .flag = &raw},
        {0},
    };
    if (options_parse(&verb_show, options, argc, argv) < 0)
        return STATUS_USAGE;
    char name[FERRY_NAME_SIZE];
    int status = operand_name(argv[0], name);
    if (status)
        return status;
    return raw ? raw_show(name, as_json) : show(name, as_json);
}

const struct verb verb_show = {
    .name = "show",
    .summary = "show one object and its members",
    .operands = "NAME",
    .least_operands = 1,
    .most_operands = 1,
    .help = "Shows all that is known about an object: owner, size, times, counters, and its\n"
            "members, dead ones included.  NAME may also be held:PID:FD, as `ferry ls` shows\n"
            "for what has no name any more, or never had one.\n"
            "\n"
            "Options\n"
            "  --json          as JSON, which stays as it is; the plain form may change\n"
            "  --raw           the control memory as it is now, field by field\n"
            "\n"
            "Examples\n"
            "  ferry show demo\n"
            "  ferry show --raw key:./config:7\n"
            "\n"
            "Exit status: 0 shown; 1 failed; 2 wrong usage; 3 there is no such object.\n",
    .run = run,
};

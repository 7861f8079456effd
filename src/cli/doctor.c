/* ferry doctor: who waits for whom, what is stuck, and what the dead have left. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/doctor_graph.h"
#include "cli/json.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"

/* ---- What is found ---------------------------------------------------------------------------- */

struct finding {
    const struct ferry_object *object;
    const char *what;  /* a word for programs */
    char text[256];    /* … and for people, behind the object's kind and name */
    bool can_be_fixed; /* by `ferry doctor --fix` … */
    bool is_fixed;     /* … which has done so */
};

struct report {
    struct graph graph;
    struct circle *deadlocks;
    size_t deadlock_count;
    struct finding *findings;
    size_t finding_count;
};

static void report_free(struct report *report)
{
    circles_free(report->deadlocks, report->deadlock_count);
    free(report->findings);
    graph_free(&report->graph);
}

__attribute__((format(printf, 4, 5))) static struct finding *note(struct report *report,
                                                                  const struct ferry_object *object,
                                                                  const char *what,
                                                                  const char *format, ...)
{
    report->findings = expect_memory(
        realloc(report->findings, (report->finding_count + 1) * sizeof(*report->findings)));
    struct finding *finding = &report->findings[report->finding_count++];
    *finding = (struct finding){.object = object, .what = what};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
    return finding;
}

/* ---- Looking ---------------------------------------------------------------------------------- */

static void look_at_owner(struct report *report, const struct ferry_object *object)
{
    if (object->condemned)
        note(report, object, "given_up",
             "an owner died, and the next one let go of it without having repaired the data; make "
             "it and them anew");
    else if (object->lock_owner_dead)
        note(report, object, "owner_died",
             "pid %d had it and is dead; the next one that takes it is told, and is to repair the "
             "data",
             (int)object->lock_owner_pid);
    else if (object->unrepaired)
        note(report, object, "unrepaired", "an owner died, and the data have not been repaired");
}

static void look_at_object(struct report *report, const struct ferry_object *object)
{
    if (object->damaged) {
        note(report, object, "damaged", "%.200s", object->damage);
        return;
    }
    look_at_owner(report, object);
    if (object->dead > 0 && !object->anonymous &&
        !object->removed) /* those go with their holders */
        note(report, object, "dead_members", "%u that died %s still in its list", object->dead,
             object->dead == 1 ? "is" : "are")
            ->can_be_fixed = true;
}

/* One who is waited for and was stopped keeps the others waiting. */
static void look_at_holders(struct report *report)
{
    const struct graph *graph = &report->graph;
    for (size_t i = 0; i < graph->wait_count; i++) {
        const struct wait *wait = &graph->waits[i];
        const struct process *holder = graph_process(graph, wait->holder);
        if (holder != NULL && holder->state == 'T' && wait->object != NULL)
            note(report, wait->object, "owner_stopped",
                 "pid %d has it and is stopped, and pid %d waits for it; kill -CONT %d",
                 (int)holder->pid, (int)wait->waiter, (int)holder->pid);
    }
}

/* Leaves those that were there at one moment, and not just one part of them after the other. */
static int confirm(struct report *report)
{
    struct graph later;
    int status = graph_take(&later);
    if (status)
        return status;
    size_t kept = 0;
    for (size_t i = 0; i < report->deadlock_count; i++) {
        if (graph_confirms(&later, &report->graph, &report->deadlocks[i]))
            report->deadlocks[kept++] = report->deadlocks[i];
        else
            free(report->deadlocks[i].waits);
    }
    report->deadlock_count = kept;
    graph_free(&later);
    return 0;
}

static int examine(struct report *report)
{
    int status = graph_take(&report->graph);
    if (status)
        return status;
    for (size_t i = 0; i < report->graph.objects.count; i++)
        look_at_object(report, &report->graph.objects.objects[i]);
    look_at_holders(report);
    report->deadlock_count = graph_circles(&report->graph, &report->deadlocks);
    return report->deadlock_count > 0 ? confirm(report) : 0;
}

/* ---- Fixing ----------------------------------------------------------------------------------- */

static void fix(struct report *report)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        struct finding *finding = &report->findings[i];
        if (!finding->can_be_fixed)
            continue;
        finding->is_fixed = ferry_reap(finding->object->name) >= 0;
        if (!finding->is_fixed)
            complain("\"%s\": %s", object_title(finding->object), ferry_explain());
    }
}

static bool is_well(const struct report *report)
{
    if (report->deadlock_count > 0)
        return false;
    for (size_t i = 0; i < report->finding_count; i++)
        if (!report->findings[i].is_fixed)
            return false;
    return true;
}

/* ---- For people ------------------------------------------------------------------------------- */

static struct phrase process_name(const struct graph *graph, pid_t pid)
{
    struct phrase phrase;
    const struct process *process = graph_process(graph, pid);
    snprintf(phrase.text, sizeof(phrase.text), "pid %d%s%.32s%s", (int)pid, process ? " (" : "",
             process ? process->command : "", process ? ")" : "");
    return phrase;
}

static void print_wait(const struct graph *graph, const struct wait *wait, const char *before)
{
    if (wait->object != NULL)
        output_line("%s%s waits for %s %s, which %s has", before,
                    process_name(graph, wait->waiter).text, ferry_kind_name(wait->object->kind),
                    object_title(wait->object), process_name(graph, wait->holder).text);
    else
        output_line("%s%s waits for what it has started, %s", before,
                    process_name(graph, wait->waiter).text, process_name(graph, wait->holder).text);
}

static void print(const struct report *report)
{
    const struct graph *graph = &report->graph;
    for (size_t i = 0; i < graph->wait_count; i++)
        print_wait(graph, &graph->waits[i], "");
    for (size_t i = 0; i < report->deadlock_count; i++) {
        output_line("deadlock: each of these waits for the next one");
        for (size_t k = 0; k < report->deadlocks[i].count; k++)
            print_wait(graph, &graph->waits[report->deadlocks[i].waits[k]], "  ");
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct finding *finding = &report->findings[i];
        output_line("%s %s: %s%s", ferry_kind_name(finding->object->kind),
                    object_title(finding->object), finding->text,
                    finding->is_fixed       ? ": struck off now"
                    : finding->can_be_fixed ? "; --fix strikes them off"
                                            : "");
    }
}

/* ---- For programs ----------------------------------------------------------------------------- */

static void wait_to_json(const struct wait *wait, struct json *json)
{
    json_open(json, NULL, '{');
    json_number(json, "process", (uint64_t)wait->waiter);
    json_number(json, "for_process", (uint64_t)wait->holder);
    if (wait->object != NULL)
        json_text(json, "object", wait->object->name);
    else
        json_null(json, "object");
    json_close(json, '}');
}

static void deadlock_to_json(const struct graph *graph, const struct circle *circle,
                             struct json *json)
{
    json_open(json, NULL, '{');
    json_open(json, "objects", '[');
    for (size_t i = 0; i < circle->count; i++)
        if (graph->waits[circle->waits[i]].object != NULL)
            json_text(json, NULL, graph->waits[circle->waits[i]].object->name);
    json_close(json, ']');
    json_open(json, "processes", '[');
    for (size_t i = 0; i < circle->count; i++)
        json_number(json, NULL, (uint64_t)graph->waits[circle->waits[i]].waiter);
    json_close(json, ']');
    json_close(json, '}');
}

static void finding_to_json(const struct finding *finding, struct json *json)
{
    json_open(json, NULL, '{');
    json_text(json, "object", finding->object->name);
    json_text(json, "kind", ferry_kind_name(finding->object->kind));
    json_text(json, "finding", finding->what);
    json_text(json, "text", finding->text);
    json_bool(json, "can_be_fixed", finding->can_be_fixed);
    json_bool(json, "is_fixed", finding->is_fixed);
    json_close(json, '}');
}

static void print_json(const struct report *report)
{
    struct json json = {0};
    json_open(&json, NULL, '{');
    json_bool(&json, "well", is_well(report));
    json_open(&json, "deadlocks", '[');
    for (size_t i = 0; i < report->deadlock_count; i++)
        deadlock_to_json(&report->graph, &report->deadlocks[i], &json);
    json_close(&json, ']');
    json_open(&json, "waits", '[');
    for (size_t i = 0; i < report->graph.wait_count; i++)
        wait_to_json(&report->graph.waits[i], &json);
    json_close(&json, ']');
    json_open(&json, "findings", '[');
    for (size_t i = 0; i < report->finding_count; i++)
        finding_to_json(&report->findings[i], &json);
    json_close(&json, ']');
    json_close(&json, '}');
}

/* ---------------------------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
    bool fixes = false, as_json = false;
    const struct option options[] = {
        {.name = "fix", .flag = &fixes},
        {.name = "json", .flag = &as_json},
        {0},
    };
    if (options_parse(&verb_doctor, options, argc, argv) < 0)
        return STATUS_USAGE;
    struct report report CLEANUP(report_free) = {0};
    int status = examine(&report);
    if (status)
        return status;
    if (fixes)
        fix(&report);
    (as_json ? print_json : print)(&report);
    return is_well(&report) ? STATUS_DONE : STATUS_FAILED;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .summary = "say who waits for whom, and what is stuck",
    .operands = "",
    .least_operands = 0,
    .most_operands = 0,
    .help = "Looks at all objects and says which process waits for which other one, for a\n"
            "lock or, with a lock, for the command that it runs (`ferry lock`); names each\n"
            "deadlock, a circle of processes that wait for each other; and what the dead have\n"
            "left.  Says nothing if there is nothing to say.\n"
            "\n"
            "Options\n"
            "  --fix           strike dead members off the lists that they are in\n"
            "  --json          as JSON, which stays as it is; the plain form may change\n"
            "\n"
            "Examples\n"
            "  ferry doctor\n"
            "  ferry doctor --json | jq .deadlocks\n"
            "\n"
            "Exit status: 0 all is well (to wait is no fault); 1 something is not; 2 wrong\n"
            "usage.\n",
    .run = run,
};

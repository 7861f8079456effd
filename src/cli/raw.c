/* The live control memory, drawn like the comment above its layout: one ruled box for each group,
 * one line for each field, offsets in hexadecimal.  A field wider than eight bytes shows its first
 * eight. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ferry/ferry.h>

#include "cli/json.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/raw.h"
#include "cli/text.h"
#include "cli/verb.h"

static const char rule[] = "+--------+-------+-------------+---------------------+";

struct drawing {
    char group[64];
};

static void draw_heading(struct drawing *drawing, const char *group)
{
    if (drawing->group[0] == '\0')
        output_line("  offset   bytes   field                       value");
    if (strcmp(drawing->group, group) == 0)
        return;
    snprintf(drawing->group, sizeof(drawing->group), "%s", group);
    output_line("%s- %s", rule, group);
}

static int draw_field(const struct ferry_field *field, void *context)
{
    struct drawing *drawing = context;
    draw_heading(drawing, field->group);
    char value[24];
    if (field->width_bytes > sizeof(field->value))
        snprintf(value, sizeof(value), "%#" PRIx64 "…", field->value);
    else
        snprintf(value, sizeof(value), "%#" PRIx64, field->value);
    int padding = 19 - (int)text_width(value);
    output_line("| %6" PRIx64 " | %5" PRIu32 " | %-11s | %*s%s | %s", field->offset,
                field->width_bytes, field->name, padding > 0 ? padding : 0, "", value,
                field->meaning);
    return 0;
}

static int field_to_json(const struct ferry_field *field, void *context)
{
    struct json *json = context;
    if (json->depth == 0)
        json_open(json, NULL, '[');
    json_open(json, NULL, '{');
    json_number(json, "offset", field->offset);
    json_number(json, "width_bytes", field->width_bytes);
    json_text(json, "group", field->group);
    json_text(json, "name", field->name);
    json_number(json, "value", field->value);
    json_text(json, "meaning", field->meaning);
    json_close(json, '}');
    return 0;
}

static int print_drawing(const char *name)
{
    struct drawing drawing = {""};
    int r = ferry_look_raw(name, draw_field, &drawing);
    if (drawing.group[0])
        output_line("%s", rule);
    return r;
}

static int print_json(const char *name)
{
    struct json json = {0};
    int r = ferry_look_raw(name, field_to_json, &json);
    if (json.depth > 0)
        json_close(&json, ']');
    return r;
}

int raw_show(const char *name, bool as_json)
{
    int r = (as_json ? print_json : print_drawing)(name);
    return r < 0 ? report(r) : STATUS_DONE;
}

/* Watching: ten looks a second, and a word wherever one differs from the last.
 *
 * Looking leaves no trace in the objects and wakes nobody.  What comes and goes between two looks
 * is not seen as such, but the counters of arrivals and departures betray it, so that a member who
 * stayed for a moment still makes a line. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/operand.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "cli/watch.h"

enum { PERIOD_MS = 100 };

/* False once the reading end of standard output is gone. */
static bool pause_until_next_look(void)
{
    struct pollfd reader = {.fd = STDOUT_FILENO, .events = 0};
    int r = poll(&reader, 1, PERIOD_MS);
    return !(r > 0 && reader.revents & (POLLERR | POLLHUP));
}

static const struct ferry_object *find_same(const struct listing *listing,
                                            const struct ferry_object *object)
{
    for (size_t i = 0; i < listing->count; i++)
        if (object_is_same(&listing->objects[i], object))
            return &listing->objects[i];
    return NULL;
}

static bool has_changed(const struct ferry_object *before, const struct ferry_object *now)
{
    return before == NULL || before->attached != now->attached || before->dead != now->dead ||
           before->attach_count != now->attach_count || before->detach_count != now->detach_count ||
           before->removed != now->removed || before->damaged != now->damaged ||
           before->lock_owner_dead != now->lock_owner_dead || before->unrepaired != now->unrepaired;
}

static void tell(const struct ferry_object *object)
{
    const char *state = object_state(object).text;
    if (object->damaged)
        output_line("%s %s %s", ferry_kind_name(object->kind), object_title(object), state);
    else
        output_line("%s %s attached %s%s%s", ferry_kind_name(object->kind), object_title(object),
                    object_attached(object).text, state[0] ? ", " : "", state);
}

static void tell_as_json(const struct ferry_object *object, bool gone)
{
    struct json json = {.one_line = true};
    json_open(&json, NULL, '{');
    json_bool(&json, "gone", gone);
    object_to_json(object, &json);
    json_close(&json, '}');
}

static void tell_changes(const struct listing *before, const struct listing *now, bool as_json)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct ferry_object *object = &before->objects[i];
        if (find_same(now, object))
            continue;
        if (as_json)
            tell_as_json(object, true);
        else
            output_line("%s %s gone", ferry_kind_name(object->kind), object_title(object));
    }
    for (size_t i = 0; i < now->count; i++) {
        const struct ferry_object *object = &now->objects[i];
        if (!has_changed(find_same(before, object), object))
            continue;
        if (as_json)
            tell_as_json(object, false);
        else
            tell(object);
    }
}

/* Draws the table anew if it reads differently; *drawn is what stands on the screen. */
static void draw(const struct listing *now, char **drawn)
{
    char *text = NULL;
    size_t size;
    FILE *memory = expect_memory(open_memstream(&text, &size));
    listing_print(now, memory);
    if (fclose(memory) != 0)
        expect_memory(NULL);
    if (*drawn == NULL || strcmp(*drawn, text) != 0)
        printf("\033[H\033[J%s", text);
    free(*drawn);
    *drawn = text;
}

int watch(uint64_t kinds, bool as_json)
{
    struct listing before = {0}, now;
    char *drawn = NULL;
    int status;
    do {
        status = listing_take(&now, kinds);
        if (status)
            break;
        if (output_is_terminal() && !as_json)
            draw(&now, &drawn);
        else
            tell_changes(&before, &now, as_json);
        listing_free(&before);
        before = now;
    } while (output_flush() && pause_until_next_look());
    listing_free(&before);
    free(drawn);
    return status;
}

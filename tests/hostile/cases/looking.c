/* Looking at a segment, and removing it, while its memory is nonsense. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

static int look(void *memory)
{
    (void)memory;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    return ferry_look(NAME, &object);
}

static int look_as_member(void *memory)
{
    struct world *world = memory;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    return ferry_segment_look(world->segment, &object);
}

static int look_at_members(void *memory)
{
    (void)memory;
    struct ferry_member members[8];
    return ferry_look_members(NAME, members, 8);
}

static int pass(const struct ferry_field *field, void *context)
{
    (void)field;
    (void)context;
    return 0;
}

static int look_raw(void *memory)
{
    (void)memory;
    return ferry_look_raw(NAME, pass, NULL);
}

static int pass_object(const struct ferry_object *object, void *context)
{
    (void)object;
    (void)context;
    return 0;
}

static int list(void *memory)
{
    (void)memory;
    return ferry_list(pass_object, NULL);
}

static int sweep(void *memory)
{
    (void)memory;
    return ferry_sweep();
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* Gives each file whose name starts with `from` a second name that starts with `to`. */
static int link_all(const char *from, const char *to)
{
    char old[4096], new[4096];
    DIR *root = opendir(test_root());
    if (root == NULL)
        return -errno;
    for (struct dirent *entry; (entry = readdir(root)) != NULL;) {
        if (strncmp(entry->d_name, from, strlen(from)) != 0)
            continue;
        snprintf(old, sizeof(old), "%s/%s", test_root(), entry->d_name);
        snprintf(new, sizeof(new), "%s/%s%s", test_root(), to, entry->d_name + strlen(from));
        if (link(old, new) < 0 && errno != EEXIST)
            break;
    }
    closedir(root);
    return 0;
}

static int keep_links(void *memory)
{
    (void)memory;
    return link_all("ferry." NAME, "kept." NAME);
}

static int remove_it(void *memory)
{
    (void)memory;
    return ferry_remove(NAME);
}

static void link_again(void *memory)
{
    (void)memory;
    link_all("kept." NAME, "ferry." NAME);
    DIR *root = opendir(test_root());
    for (struct dirent *entry; root && (entry = readdir(root)) != NULL;)
        if (strncmp(entry->d_name, "kept.", 5) == 0)
            unlinkat(dirfd(root), entry->d_name, 0);
    if (root)
        closedir(root);
}

const struct hostile_operation look_operations[] = {
    {.name = "look", .run = look},
    {.name = "look-as-member", .run = look_as_member},
    {.name = "members", .run = look_at_members},
    {.name = "raw", .run = look_raw},
    {.name = "list", .run = list, .dear = true},
    {.name = "sweep", .run = sweep, .dear = true},
    {.name = "remove",
     .prepare = keep_links,
     .run = remove_it,
     .finish = link_again,
     .patience_ms = 1000,
     .dear = true},
    {0}};

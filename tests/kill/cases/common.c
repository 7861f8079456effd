/* See common.h. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

ferry_segment *victim;

void world_make(void *memory)
{
    struct world *world = memory;
    CHECK_OK(ferry_segment_open(
        &world->survivor, NAME,
        FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE, .size_bytes = SIZE)));
}

void world_disinherit_victim(void *memory)
{
    struct world *world = memory;
    ferry_segment_close(world->survivor); /* the victim's; the pointer stays for the survivor */
    struct ferry_object object = look(NAME);
    world->attaches = object.attach_count;
    world->detaches = object.detach_count;
}

void world_attach_victim(void *memory)
{
    world_disinherit_victim(memory);
    CHECK_OK(ferry_segment_open(&victim, NAME, NULL));
}

void world_drop(void *memory)
{
    struct world *world = memory;
    world->survivor = ferry_segment_close(world->survivor);
    int r = ferry_remove(NAME);
    CHECK(r == 0 || r == -ENOENT);
    check_root_is_clean();
}

struct ferry_object look(const char *name)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    CHECK_OK(ferry_look(name, &object));
    CHECK_STR(object.damage, "");
    return object;
}

static void check_ledger(const struct ferry_object *object)
{
    CHECK_EQ(object->attach_count, object->detach_count + object->death_count + object->attached);
}

void check_whole(struct world *world, uint32_t attached)
{
    struct ferry_object before = {.object_bytes = sizeof(before)};
    CHECK_OK(ferry_segment_look(world->survivor, &before));
    CHECK_EQ(before.attached, attached);

    ferry_segment *newcomer;
    CHECK_OK(ferry_segment_open(&newcomer, NAME, NULL));
    CHECK_EQ(ferry_segment_size(newcomer), SIZE);
    struct ferry_object during = look(NAME);
    CHECK_EQ(during.attached, attached + 1);
    check_ledger(&during);
    ferry_segment_close(newcomer);

    struct ferry_object after = look(NAME);
    CHECK_EQ(after.attached, attached);
    check_ledger(&after);
    CHECK_EQ(after.attach_count, during.attach_count);
    CHECK_EQ(after.detach_count, during.detach_count + 1);
}

void check_root_is_clean(void)
{
    CHECK_OK(ferry_sweep());
    DIR *root = opendir(test_root());
    CHECK(root != NULL);
    for (struct dirent *entry; (entry = readdir(root)) != NULL;)
        if (entry->d_name[0] != '.')
            CHECK_STR(entry->d_name, "nothing in the root");
    closedir(root);
}

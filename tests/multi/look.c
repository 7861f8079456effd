/* Looking at objects: list, look, members, raw (contract G13), also at what is damaged, foreign,
 * removed or has no name. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- Listings ---- */

enum { MOST = 32 };

struct listing {
    struct ferry_object objects[MOST];
    int count;
};

static int note(const struct ferry_object *object, void *context)
{
    struct listing *listing = context;
    if (!is_ours(object))
        return 0;
    CHECK(listing->count < MOST);
    listing->objects[listing->count++] = *object;
    return 0;
}

static struct listing list(void)
{
    struct listing listing = {.count = 0};
    CHECK_OK(ferry_list(note, &listing));
    return listing;
}

static const struct ferry_object *find_label(const struct listing *listing, const char *label)
{
    const struct ferry_object *found = NULL;
    for (int i = 0; i < listing->count; i++)
        if (strcmp(listing->objects[i].label, label) == 0) {
            CHECK(found == NULL); /* each object once */
            found = &listing->objects[i];
        }
    CHECK(found != NULL);
    return found;
}

TEST(empty_root_lists_nothing) /* G13 */
{
    CHECK_EQ(list().count, 0);
}

TEST(list_goes_by_name) /* G13 */
{
    static const char *const names[] = {"b", "a", "eu.orders", "c", "key:0x0000002a"};
    for (size_t i = 0; i < 5; i++)
        ferry_segment_close(create(names[i], 10));
    struct listing listing = list();
    CHECK_EQ(listing.count, 5);
    for (int i = 0; i < 5; i++) {
        CHECK_STR(listing.objects[i].name, listing.objects[i].label);
        CHECK(i == 0 || strcmp(listing.objects[i - 1].name, listing.objects[i].name) < 0);
        CHECK_EQ(listing.objects[i].kind, FERRY_KIND_SEGMENT);
        CHECK_EQ(listing.objects[i].attached, 0);
        CHECK_OK(ferry_remove(listing.objects[i].name));
    }
}

static int stop_at_second(const struct ferry_object *object, void *context)
{
    (void)object;
    return ++*(int *)context == 2 ? 42 : 0;
}

TEST(list_stops_when_told_to) /* G13 */
{
    int calls = 0;
    for (char name[] = "a"; name[0] <= 'c'; name[0]++)
        ferry_segment_close(create(name, 10));
    CHECK_EQ(ferry_list(stop_at_second, &calls), 42);
    CHECK_EQ(calls, 2);
    for (char name[] = "a"; name[0] <= 'c'; name[0]++)
        CHECK_OK(ferry_remove(name));
}

static void hold(void *context)
{
    test_gate_open(context);
    stay();
}

TEST(removed_and_anonymous_objects_are_listed_while_somebody_holds_them) /* G13, U7, X6 */
{
    struct test_gate *ready = test_gate_new();
    ferry_segment *removed = create("gone", 100), *anonymous = create(NULL, 200);
    CHECK_OK(ferry_remove("gone"));
    ferry_segment *named = create("gone", 300);
    pid_t child = test_child(hold, ready);
    test_gate_wait(ready);
    struct listing listing = list();
    CHECK_EQ(listing.count, 3);
    int seen = 0;
    for (int i = 0; i < 3; i++) {
        const struct ferry_object *object = &listing.objects[i];
        CHECK_EQ(object->attached, 2);
        CHECK_EQ(object->removed, object->size_bytes == 100);
        CHECK_EQ(object->anonymous, object->size_bytes == 200);
        CHECK_STR(object->label, object->anonymous ? "" : "gone");
        seen += (int)object->size_bytes / 100;
        struct ferry_object again = look(object->name); /* by what it was listed as */
        CHECK_EQ(again.size_bytes, object->size_bytes);
        CHECK_EQ(again.attached, 2);
        struct ferry_member members[4];
        CHECK_EQ(ferry_look_members(object->name, members, 4), 2);
        CHECK_EQ(members[0].pid, getpid());
        CHECK_EQ(members[1].pid, child);
    }
    CHECK_EQ(seen, 1 + 2 + 3);
    test_kill(child);
    ferry_segment_close(removed);
    ferry_segment_close(anonymous);
    CHECK_EQ(list().count, 1);
    destroy(named, "gone");
}

static void hold_own(void *context)
{
    ferry_segment *segment = create("x", 10);
    CHECK(segment != NULL && create(NULL, 20) != NULL);
    CHECK_OK(ferry_remove("x"));
    test_gate_open(context);
    stay();
}

TEST(objects_that_only_others_hold_are_found_through_their_holders) /* G13, U7 */
{
    struct test_gate *ready = test_gate_new();
    pid_t child = test_child(hold_own, ready);
    test_gate_wait(ready);
    struct listing listing = list();
    CHECK_EQ(listing.count, 2);
    char prefix[32];
    snprintf(prefix, sizeof prefix, "held:%d:", (int)child);
    for (int i = 0; i < 2; i++) {
        CHECK_CONTAINS(listing.objects[i].name, prefix);
        CHECK_EQ(listing.objects[i].creator_pid, child);
        CHECK_EQ(listing.objects[i].attached, 1);
    }
    CHECK(find_label(&listing, "x")->removed);
    test_kill(child);
    CHECK_EQ(list().count, 0);
    struct ferry_object object = {.object_bytes = sizeof object};
    CHECK_ERR(ferry_look(listing.objects[0].name, &object), ENOENT);
}

/* ---- Members ---- */

static void wait_as_reader(void *context)
{
    (void)context;
    ferry_segment *segment;
    uint32_t version = 0;
    CHECK_OK(ferry_segment_open(&segment, "x", FERRY_SEGMENT(.flags = FERRY_READ)));
    CHECK_OK(ferry_segment_wait(segment, &version, FERRY_FOREVER));
}

TEST(members_tell_pid_role_command_and_what_they_do) /* G13 */
{
    ferry_segment_close(create("x", 10));
    pid_t reader = test_child(wait_as_reader, NULL);
    test_sleeping(reader);
    ferry_segment *segment = attach("x");
    CHECK_OK(ferry_segment_lock(segment, FERRY_FOREVER));
    struct ferry_member members[3] = {0};
    CHECK_EQ(ferry_look_members("x", NULL, 0), 2);
    CHECK_EQ(ferry_look_members("x", members, 1), 2);
    CHECK_EQ(members[1].pid, 0);
    CHECK_EQ(ferry_look_members("x", members, 3), 2);
    const struct ferry_member *other = &members[members[0].pid == getpid()];
    const struct ferry_member *self = &members[members[0].pid != getpid()];
    CHECK_EQ(other->pid, reader);
    CHECK_EQ(self->pid, getpid());
    CHECK(self->alive && self->holds_lock && !self->waiting && self->same_pid_namespace);
    CHECK(other->alive && !other->holds_lock && other->waiting && other->same_pid_namespace);
    CHECK_EQ(self->role, FERRY_READ | FERRY_WRITE);
    CHECK_EQ(other->role, FERRY_READ);
    CHECK_STR(self->command, other->command);
    CHECK(strlen(self->command) > 2);
    CHECK(self->joined_unix_ms >= other->joined_unix_ms);
    test_kill(reader);
    CHECK_EQ(ferry_look_members("x", members, 3), 2);
    CHECK_EQ(members[0].alive + members[1].alive, 1);
    CHECK_EQ(look("x").dead, 1);
    CHECK_OK(ferry_segment_unlock(segment));
    destroy(segment, "x");
}

/* ---- Raw ---- */

struct drawing {
    uint64_t end;
    int fields;
    bool has_version;
};

static int draw(const struct ferry_field *field, void *context)
{
    struct drawing *drawing = context;
    CHECK(field->offset >= drawing->end);
    CHECK(field->width_bytes > 0);
    CHECK(strlen(field->group) > 0 && strlen(field->name) > 0 && strlen(field->meaning) > 0);
    drawing->end = field->offset + field->width_bytes;
    drawing->fields++;
    if (strcmp(field->group, "notice") == 0 && strcmp(field->name, "version") == 0) {
        CHECK_EQ(field->value, 3);
        drawing->has_version = true;
    }
    return 0;
}

TEST(raw_fields_come_in_the_order_of_their_offsets) /* G13 */
{
    ferry_segment *segment = create("x", 10), *other = attach("x");
    for (int i = 0; i < 3; i++)
        CHECK_OK(ferry_segment_notify(segment));
    struct drawing drawing = {0};
    CHECK_OK(ferry_look_raw("x", draw, &drawing));
    CHECK(drawing.has_version);
    CHECK(drawing.fields > 20);
    CHECK(drawing.end > 4096 + 64); /* the second member's entry is there */
    ferry_segment_close(other);
    destroy(segment, "x");
}

/* ---- Looking changes nothing ---- */

static void check_unwritten(const char *name)
{
    char path[160];
    struct stat before, after;
    snprintf(path, sizeof path, "%s/ferry.%s", test_root(), name);
    CHECK_ERRNO(stat(path, &before));
    look(name);
    list();
    ferry_look_members(name, NULL, 0);
    CHECK_ERRNO(stat(path, &after));
    CHECK_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    CHECK_EQ(before.st_blocks, after.st_blocks);
}

TEST(looking_makes_nobody_a_member) /* G13 */
{
    ferry_segment *segment = create("x", 10);
    check_unwritten("x");
    CHECK_EQ(look("x").attach_count, 1);
    CHECK_EQ(look("x").attached, 1);
    struct ferry_object wrong = {.object_bytes = 7};
    CHECK_ERR(ferry_look("x", &wrong), EINVAL);
    CHECK_ERR(ferry_look("a/b", &wrong), EINVAL);
    destroy(segment, "x");
}

/* ---- Damaged and foreign ---- */

static void write_file(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", test_root(), name);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    CHECK_ERRNO(file);
    CHECK_EQ(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

static void delete_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", test_root(), name);
    CHECK_ERRNO(remove(path));
}

TEST(damaged_and_foreign_files_do_not_disturb_a_listing) /* G9, G13 */
{
    char path[160], link[160];
    ferry_segment *sound = create("sound", 10), *segment;
    write_file("somebody-elses", "hello");
    write_file("sem.foreign", "hello");
    write_file("ferry.garbage", "hello, hello, hello");
    write_file("ferry.empty", "");
    snprintf(path, sizeof path, "%s/ferry.fifo", test_root());
    CHECK_ERRNO(mkfifo(path, 0666));
    snprintf(path, sizeof path, "%s/ferry.directory", test_root());
    CHECK_ERRNO(mkdir(path, 0777));
    snprintf(path, sizeof path, "%s/ferry.sound", test_root());
    snprintf(link, sizeof link, "%s/ferry.link", test_root());
    CHECK_ERRNO(symlink(path, link));
    ferry_segment_close(create("cut", 10));
    snprintf(path, sizeof path, "%s/ferry.cut", test_root());
    CHECK_ERRNO(truncate(path, 5000));

    struct listing listing = list();
    CHECK_EQ(listing.count, 7);
    static const char *const damaged[] = {"garbage", "empty", "fifo", "directory", "link", "cut"};
    for (size_t i = 0; i < 6; i++) {
        const struct ferry_object *object = find_label(&listing, damaged[i]);
        CHECK(object->damaged);
        CHECK(strlen(object->damage) > 10);
        CHECK_ERR(ferry_segment_open(&segment, damaged[i], NULL), EBADMSG);
    }
    CHECK(!find_label(&listing, "sound")->damaged);
    CHECK_EQ(look("sound").attached, 1);
    for (size_t i = 0; i < 6; i++)
        if (strcmp(damaged[i], "directory") != 0)
            CHECK_OK(ferry_remove(damaged[i]));
    delete_file("ferry.directory");
    delete_file("somebody-elses");
    delete_file("sem.foreign");
    destroy(sound, "sound");
    CHECK_OK(ferry_sweep()); /* what belonged to the one that was cut */
}

static void scribble(const char *name, off_t at)
{
    char path[160];
    uint64_t nonsense = 0xFFFFFFFFFFFFFFFF;
    snprintf(path, sizeof path, "%s/ferry.%s", test_root(), name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    CHECK_ERRNO(file);
    CHECK_EQ(pwrite(file, &nonsense, sizeof nonsense, at), (ssize_t)sizeof nonsense);
    close(file);
}

static int ignore(const struct ferry_field *field, void *context)
{
    (void)field;
    (void)context;
    return 0;
}

/* Makes the size 0 and right again, over and over; 0 is none that could be believed. */
static void flip_size(void *context)
{
    (void)context;
    char path[160];
    snprintf(path, sizeof path, "%s/ferry.x", test_root());
    int file = open(path, O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(file);
    char *control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(control != MAP_FAILED);
    volatile uint64_t *size = (volatile uint64_t *)(void *)(control + 24);
    CHECK_EQ(*size, 10);
    for (;;) {
        *size = 0;
        *size = 10;
    }
}

TEST(what_is_said_of_an_object_is_what_was_checked) /* G9 */
{
    ferry_segment *segment = create("x", 10);
    pid_t flipper = test_child(flip_size, NULL);
    struct ferry_object object = {.object_bytes = sizeof object};
    for (int seen = 0, tried = 0; seen < 2000 && tried < 100000; tried++) {
        CHECK_OK(ferry_look("x", &object));
        if (object.damaged)
            continue;
        CHECK_EQ(object.size_bytes, 10);
        seen++;
    }
    test_kill(flipper);
    ferry_segment_close(segment);
    CHECK_OK(ferry_remove("x"));
}

TEST(nonsense_anywhere_in_the_control_memory_is_survived) /* G9, G13 */
{
    for (off_t at = 0; at < 4096 + 128; at += 8) {
        ferry_segment *segment = create("x", 10);
        scribble("x", at);
        struct ferry_object object = {.object_bytes = sizeof object};
        CHECK_OK(ferry_look("x", &object));
        if (at % 64 == 0) /* which looks at all of /proc */
            CHECK(list().count >= 1);
        ferry_look_members("x", NULL, 0);
        ferry_look_raw("x", ignore, NULL);
        ferry_segment_close(segment);
        CHECK_OK(ferry_remove("x"));
        CHECK_OK(ferry_sweep());
    }
}

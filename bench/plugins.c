/* See plugins.h.
 *
 * A plug-in is loaded into the command itself, before any measurement.  What its sides do later
 * happens in processes of their own. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bench/plugins.h"

/* FERRY_BENCH_PLUGIN_DIRECTORY: where plug-ins are installed, as seen from the command's directory
 * unless it is absolute. */

/* From the command's directory in a build to the plug-ins'. */
#define BUILT_COMMAND "/src/cli"
#define BUILT_PLUGINS "../../bench/peers"

struct place {
    char path[4096];
    bool chosen;        /* by the caller, who knows what is there */
    uid_t commands_uid; /* who owns this command, and could change it as well */
};

struct found {
    const struct bench_side **sides; /* with room for one more, which ends them */
    size_t count, room;
};

/* The libraries that the project knows, and what Debian calls their headers. */
static const struct known {
    const char *file, *library, *package;
} known[] = {
    {"boost.so", "Boost", "libboost-dev (and a C++20 compiler)"},
    {"nng.so", "nng", "libnng-dev"},
    {"zeromq.so", "ZeroMQ", "libzmq3-dev"},
};

static const struct known *known_by_file(const char *file)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].file, file) == 0)
            return &known[i];
    return NULL;
}

/* ---- Where they are ---------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* False if the command does not know where it is itself. */
static bool find_own_directory(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0)
        return false;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool find_place(struct place *place)
{
    struct stat command;
    const char *chosen = secure_getenv("FERRY_BENCH_PLUGINS");
    char own[2048];
    place->chosen = chosen && chosen[0];
    place->commands_uid = stat("/proc/self/exe", &command) == 0 ? command.st_uid : 0;
    if (place->chosen) {
        snprintf(place->path, sizeof(place->path), "%s", chosen);
        return true;
    }
    if (!find_own_directory(own, sizeof(own)))
        return false;
    const char *there =
        ends_with(own, BUILT_COMMAND) ? BUILT_PLUGINS : FERRY_BENCH_PLUGIN_DIRECTORY;
    if (there[0] == '/')
        snprintf(place->path, sizeof(place->path), "%s", there);
    else
        snprintf(place->path, sizeof(place->path), "%s/%s", own, there);
    return true;
}

/* ---- Whether to trust them --------------------------------------------------------------------------- */

/* Why root should not take code from there; NULL if it may. */
static const char *why_not(const char *path, const struct place *place)
{
    struct stat status;
    if (geteuid() != 0)
        return NULL;
    if (stat(path, &status) < 0)
        return strerror(errno);
    if (status.st_uid != 0 && status.st_uid != getuid() && status.st_uid != place->commands_uid)
        return "not loaded as root, because another user owns it; give it to root";
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return "not loaded as root, because other users may write it; chmod go-w";
    return NULL;
}

/* ---- Loading ----------------------------------------------------------------------------------------- */

static const struct bench_plugin *open_plugin(const char *path, const char **ret_trouble)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *ret_trouble = dlerror();
        return NULL;
    }
    const struct bench_plugin *plugin =
        (const struct bench_plugin *)dlsym(library, "ferry_bench_plugin");
    if (plugin == NULL)
        *ret_trouble = "it is no plug-in of this bench: it has no ferry_bench_plugin";
    else if (plugin->version != BENCH_PLUGIN_VERSION ||
             plugin->side_bytes != sizeof(struct bench_side))
        *ret_trouble = "it was built for another version of the bench; build it again";
    else
        return plugin;
    dlclose(library);
    return NULL;
}

/* Returns how many there was no room for. */
static size_t add_sides(struct found *found, const struct bench_side *const *sides)
{
    while (*sides && found->count < found->room)
        found->sides[found->count++] = *sides++;
    found->sides[found->count] = NULL;
    size_t left = 0;
    while (*sides++)
        left++;
    return left;
}

static void load(struct found *found, const struct place *place, const char *file,
                 struct report *report)
{
    char path[sizeof(place->path) + 256];
    snprintf(path, sizeof(path), "%s/%s", place->path, file);
    const struct known *library = known_by_file(file);
    const char *trouble = why_not(path, place);
    const struct bench_plugin *plugin = trouble ? NULL : open_plugin(path, &trouble);
    size_t left = plugin ? add_sides(found, plugin->sides) : 0;
    if (left > 0)
        report_add_missing(report, "%s: %zu of its sides are more than there is room for",
                           plugin->name, left);
    else if (plugin)
        return;
    else if (library)
        report_add_missing(report, "%s: %s: %s; its libraries come with %s", library->library, path,
                           trouble, library->package);
    else
        report_add_missing(report, "the plug-in %s: %s", path, trouble);
}

static int is_plugin(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".so");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void name_absent(struct dirent *const *entries, int count, struct report *report)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bool there = false;
        for (int j = 0; j < count; j++)
            there = there || strcmp(entries[j]->d_name, known[i].file) == 0;
        if (!there)
            report_add_missing(report, "%s: measured where this was built with %s",
                               known[i].library, known[i].package);
    }
}

static void load_from(struct found *found, const struct place *place, struct report *report)
{
    struct dirent **entries = NULL;
    int count = scandir(place->path, &entries, is_plugin, by_name);
    const char *refused = count > 0 ? why_not(place->path, place) : NULL;
    if (count < 0 && place->chosen)
        report_add_missing(report, "plug-ins: FERRY_BENCH_PLUGINS is %s: %s", place->path,
                           strerror(errno));
    if (refused)
        report_add_missing(report, "plug-ins: %s: %s", place->path, refused);
    for (int i = 0; i < count && !refused; i++)
        load(found, place, entries[i]->d_name, report);
    if (!place->chosen && !refused)
        name_absent(entries, count, report);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

void plugins_load(const struct bench_side **sides, size_t room, struct report *report)
{
    struct found found = {.sides = sides, .count = 0, .room = room - 1};
    struct place place;
    sides[0] = NULL;
    if (find_place(&place))
        load_from(&found, &place, report);
    else
        report_add_missing(report, "plug-ins: /proc/self/exe cannot be read; FERRY_BENCH_PLUGINS "
                                   "may say where they are");
}

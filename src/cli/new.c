/* ferry new: makes an object, or finds that an equal one is there already. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/new_lock.h"
#include "cli/new_queue.h"
#include "cli/new_semaphore.h"
#include "cli/operand.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

struct request {
    char name[FERRY_NAME_SIZE];
    enum ferry_kind kind;
    uint64_t size_bytes;
    bool size_given;
    unsigned mode;
    bool mode_given;
    bool exclusive;
    bool keeps_records;
    struct queue_request queue;
    struct semaphore_request semaphore;
    struct lock_request lock;
};

/* What an existing object has that was not asked for, as parts of a sentence. */
struct difference {
    char text[512];
};

static int make_segment(const struct request *request)
{
    ferry_segment *segment CLEANUP(segment_cleanup) = NULL;
    return ferry_segment_open(&segment, request->name,
                              FERRY_SEGMENT(.size_bytes = request->size_bytes,
                                            .mode = request->mode,
                                            .flags = FERRY_CREATE | FERRY_EXCLUSIVE));
}

static int make_pipe(const struct request *request)
{
    ferry_pipe *pipe;
    int r = ferry_pipe_open(&pipe, request->name,
                            FERRY_PIPE(.capacity = request->size_bytes, .mode = request->mode,
                                       .flags = FERRY_CREATE | FERRY_EXCLUSIVE |
                                                (request->keeps_records ? FERRY_RECORDS : 0)));
    if (r == 0)
        ferry_pipe_close(pipe);
    return r;
}

/* They are to be new: whether one that is there will do is asked later. */
static const unsigned NEW = FERRY_CREATE | FERRY_EXCLUSIVE;

static int make_queue(const struct request *request)
{
    return queue_request_make(&request->queue, request->name, request->mode, NEW);
}

static int make_semaphore(const struct request *request)
{
    return semaphore_request_make(&request->semaphore, request->name, request->mode, NEW);
}

static int make_lock(const struct request *request)
{
    return lock_request_make(&request->lock, request->kind, request->name, request->mode, NEW);
}

static void compare_size(const struct request *request, const struct ferry_object *object,
                         struct difference *difference)
{
    snprintf(difference->text, sizeof(difference->text), ", its size is %s, not %s",
             phrase_size(object->size_bytes).text, phrase_size(request->size_bytes).text);
}

static void compare_segment(const struct request *request, const struct ferry_object *object,
                            struct difference *difference)
{
    if (object->size_bytes != request->size_bytes)
        compare_size(request, object, difference);
}

/* A pipe of another size is as good if that is what its own was rounded up to. */
static void compare_pipe(const struct request *request, const struct ferry_object *object,
                         struct difference *difference)
{
    bool fits = request->size_bytes <= object->size_bytes &&
                (request->size_bytes > object->size_bytes / 2 || object->size_bytes <= 4096);
    if (request->size_given && !fits)
        compare_size(request, object, difference);
    size_t used = strlen(difference->text);
    if (request->keeps_records != object->keeps_records)
        snprintf(difference->text + used, sizeof(difference->text) - used, ", it keeps %srecords",
                 object->keeps_records ? "" : "no ");
}

static void compare_queue(const struct request *request, const struct ferry_object *object,
                          struct difference *difference)
{
    snprintf(difference->text, sizeof(difference->text), "%s",
             queue_request_compare(&request->queue, object).text);
}

static void compare_semaphore(const struct request *request, const struct ferry_object *object,
                              struct difference *difference)
{
    snprintf(difference->text, sizeof(difference->text), "%s",
             semaphore_request_compare(&request->semaphore, object).text);
}

static void compare_lock(const struct request *request, const struct ferry_object *object,
                         struct difference *difference)
{
    snprintf(difference->text, sizeof(difference->text), "%s",
             lock_request_compare(&request->lock, object).text);
}

/* What there is to know of each kind. */
static const struct {
    int (*make)(const struct request *request);
    void (*compare)(const struct request *request, const struct ferry_object *object,
                    struct difference *difference);
    const char *without_size; /* what it has in place of --size */
} kinds[] = {
    [FERRY_KIND_SEGMENT] = {make_segment, compare_segment, NULL},
    [FERRY_KIND_PIPE] = {make_pipe, compare_pipe, NULL},
    [FERRY_KIND_QUEUE] = {make_queue, compare_queue,
                          "what a queue holds is said with --bytes, --messages and --max"},
    [FERRY_KIND_SEMAPHORE] = {make_semaphore, compare_semaphore, "a semaphore has --value units"},
    [FERRY_KIND_MUTEX] = {make_lock, compare_lock, "a mutex has none"},
    [FERRY_KIND_RWLOCK] = {make_lock, compare_lock, "an rwlock has none"},
    [FERRY_KIND_CONDITION] = {make_lock, compare_lock, "a condition has none"},
    [FERRY_KIND_BARRIER] = {make_lock, compare_lock, "a barrier has a --count"},
};

static unsigned mode_after_umask(unsigned mode)
{
    mode_t mask = umask(0);
    umask(mask);
    return mode & ~mask;
}

static int complain_different(const struct request *request, const struct ferry_object *object)
{
    struct difference other = {""};
    kinds[request->kind].compare(request, object, &other);
    unsigned mode = mode_after_umask(request->mode);
    bool other_mode = request->mode_given && object->mode != mode;
    if (!other_mode && other.text[0] == '\0')
        return STATUS_DONE;
    char mode_text[64] = "";
    if (other_mode)
        snprintf(mode_text, sizeof(mode_text), ", its mode is %04o, not %04o", object->mode, mode);
    char *name CLEANUP(text_cleanup) = operand_quote(request->name);
    complain("\"%s\" is there already%s%s; use it as it is, or remove it first: ferry rm %s",
             request->name, other.text, mode_text, name);
    return STATUS_FAILED;
}

/* Something goes by that name.  Is it what was asked for?  -ENOENT if it has just gone. */
static int compare(const struct request *request, int *ret_status)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    int r = ferry_look(request->name, &object);
    if (r == -ENOENT)
        return r;
    if (r < 0) {
        *ret_status = report(r);
    } else if (object.damaged) {
        complain("\"%s\" is there already and damaged (%s); remove it with ferry rm", request->name,
                 object.damage);
        *ret_status = STATUS_FAILED;
    } else if (object.kind != (int)request->kind) {
        complain("\"%s\" is a %s, not a %s; choose another name", request->name,
                 ferry_kind_name(object.kind), ferry_kind_name((int)request->kind));
        *ret_status = STATUS_FAILED;
    } else {
        *ret_status = complain_different(request, &object);
    }
    return 0;
}

static int complain_taken(const char *name)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("\"%s\" exists already; choose another name, remove it (ferry rm %s), or leave "
             "--exclusive out",
             name, quoted);
    return STATUS_FAILED;
}

/* Others may make and remove the name all the while; each round means that one of them has. */
static int make_or_compare(const struct request *request)
{
    enum { ROUNDS = 100 };
    int status;
    for (int round = 0; round < ROUNDS; round++) {
        int r = kinds[request->kind].make(request);
        if (r >= 0)
            return STATUS_DONE;
        if (r == -EEXIST && request->exclusive)
            return complain_taken(request->name);
        bool taken = r == -EEXIST || r == -EMEDIUMTYPE;
        if (!taken || request->exclusive)
            return report(r);
        if (compare(request, &status) == 0)
            return status;
    }
    complain("\"%s\" comes and goes too fast to tell what it is; try again", request->name);
    return STATUS_FAILED;
}

/* An option of some kinds that was given for another one: complains, and says so. */
static bool has_stray_option(const struct request *request)
{
    const char *of_queues = queue_request_option(&request->queue);
    const char *of_semaphores = semaphore_request_option(&request->semaphore);
    const char *of_locks = lock_request_stray(&request->lock, request->kind);
    if (request->size_given && kinds[request->kind].without_size != NULL)
        complain("--size is for segments and pipes; %s", kinds[request->kind].without_size);
    else if (request->kind != FERRY_KIND_PIPE && request->keeps_records)
        complain("--records is for pipes");
    else if (request->kind != FERRY_KIND_QUEUE && of_queues)
        complain("%s is for queues", of_queues);
    else if (request->kind != FERRY_KIND_SEMAPHORE && of_semaphores)
        complain("%s is for semaphores", of_semaphores);
    else if (of_locks)
        complain("%s", of_locks);
    else
        return false;
    return true;
}

/* Is what was asked for sound, for this kind?  0, or STATUS_USAGE after a complaint. */
static int check(const struct request *request)
{
    if (has_stray_option(request))
        return STATUS_USAGE;
    if (request->kind == FERRY_KIND_SEGMENT && (!request->size_given || request->size_bytes == 0))
        complain("a segment needs a size: --size 4097, --size 64K, --size 1M");
    else if (request->kind == FERRY_KIND_PIPE && request->size_given && request->size_bytes == 0)
        complain("a pipe holds at least a page: --size 64K, --size 1M, or leave it out");
    else if (request->kind == FERRY_KIND_SEMAPHORE)
        return semaphore_request_check(&request->semaphore);
    else if (request->kind == FERRY_KIND_QUEUE)
        return queue_request_check(&request->queue);
    else
        return lock_request_check(&request->lock, request->kind);
    return STATUS_USAGE;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    uint64_t count = 0;
    bool count_given = false;
    struct queue_request *queue = &request.queue;
    struct semaphore_request *semaphore = &request.semaphore;
    const struct option options[] = {
        {.name = "size", .size = &request.size_bytes, .given = &request.size_given},
        {.name = "mode", .mode = &request.mode, .given = &request.mode_given},
        {.name = "exclusive", .flag = &request.exclusive},
        {.name = "value", .number = &semaphore->value, .given = &semaphore->value_given},
        {.name = "most", .number = &semaphore->most, .given = &semaphore->most_given},
        {.name = "count", .number = &count, .given = &count_given},
        {.name = "give-back", .flag = &semaphore->gives_back},
        {.name = "recursive", .flag = &request.lock.recursive},
        {.name = "inherit", .flag = &request.lock.inherits},
        {.name = "mutex", .text = &request.lock.mutex},
        {.name = "records", .flag = &request.keeps_records},
        {.name = "messages", .number = &queue->messages, .given = &queue->messages_given},
        {.name = "bytes", .size = &queue->bytes, .given = &queue->bytes_given},
        {.name = "max", .size = &queue->largest, .given = &queue->largest_given},
        {.name = "overflow", .text = &queue->overflow, .given = &queue->overflow_given},
        {.name = "typed", .flag = &queue->typed},
        {.name = "priority", .flag = &queue->priority},
        {.name = "rendezvous", .flag = &queue->rendezvous},
        {.name = "unbounded", .flag = &queue->unbounded},
        {0},
    };
    if (options_parse(&verb_new, options, argc, argv) < 0)
        return STATUS_USAGE;
    int kind = operand_kind(argv[0]);
    if (kind < 0)
        return STATUS_USAGE;
    request.kind = (enum ferry_kind)kind;
    if (kind == FERRY_KIND_BARRIER) {
        request.lock.count = count;
    } else {
        semaphore->count = count;
        semaphore->count_given = count_given;
    }
    int status = operand_name(argv[1], request.name);
    if (status == 0)
        status = check(&request);
    return status ? status : make_or_compare(&request);
}

const struct verb verb_new = {
    .name = "new",
    .summary = "make an object",
    .operands = "KIND NAME",
    .least_operands = 2,
    .most_operands = 2,
    .help = "Makes an object that stays until it is removed.  If an equal one is there\n"
            "already, that is fine, too; if it differs, the message says how.\n"
            "\n"
            "Kinds\n"
            "  segment         shared memory with a lock and a change notice; needs --size\n"
            "  pipe            a stream of bytes; `ferry write` makes one, too\n"
            "  queue           messages, each to one receiver; `ferry send` makes one, too\n"
            "  semaphore       units that `ferry wait` takes and `ferry post` gives\n"
            "  mutex           a lock with an owner; `ferry lock` makes one, too\n"
            "  rwlock          a lock for one who writes or many who read\n"
            "  condition       to wait, with a mutex, until somebody tells; needs --mutex\n"
            "  barrier         where so many wait for each other; needs --count\n"
            "\n"
            "Options\n"
            "  --size SIZE     in bytes: 4097, 64K, 1M; a segment's exactly, a pipe's\n"
            "                  rounded up to a power of two (default: 64K)\n"
            "  --mode MODE     who may use it, in octal, less the umask (default: 0600)\n"
            "  --records       pipe: each read gets one write, whole; `ferry write` makes\n"
            "                  each line one\n"
            "  --messages N    queue: holds so many messages (default: 1024), …\n"
            "  --bytes SIZE    … so many bytes of them (default: 1M), …\n"
            "  --max SIZE      … and none larger than this (default: 8K)\n"
            "  --typed         queue: receivers may choose by type\n"
            "  --priority      queue: the highest priority is received first\n"
            "  --overflow WHAT\n"
            "                  queue: with a message for which it has no room: block, the\n"
            "                  sender waits (default); refuse it; drop-oldest; drop-newest\n"
            "  --rendezvous    queue: a message is sent when it has been received\n"
            "  --unbounded     queue: memory comes and goes, up to its bytes (default: 256M)\n"
            "  --value N       semaphore: units to begin with (default: 0)\n"
            "  --most N        semaphore: has at most so many; 1 makes a binary one\n"
            "  --count N       semaphore: a set of so many, for programs; barrier: for\n"
            "                  so many\n"
            "  --give-back     semaphore: what a program takes can be given back when it ends\n"
            "  --recursive     mutex: who has it may take it again\n"
            "  --inherit       mutex: its owner has the priority of who waits for it\n"
            "  --mutex NAME    condition: the mutex that it belongs to\n"
            "  --exclusive     fail if there is anything of that name, equal or not\n"
            "\n"
            "Examples\n"
            "  ferry new segment demo --size 4097\n"
            "  ferry new segment key:./config:7 --size 64K\n"
            "  (umask 0; ferry new pipe log --size 1M --mode 0660)\n"
            "  ferry new pipe jobs --records\n"
            "  ferry new queue events --messages 100 --overflow drop-oldest\n"
            "  ferry new semaphore slots --value 3\n"
            "\n"
            "Exit status: 0 it is there now; 1 it differs, or could not be made;\n"
            "2 wrong usage.\n",
    .run = run,
};

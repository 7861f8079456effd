/* One member of a segment, of a queue or of a semaphore, which does what it is told on standard input, a line at a time, and
 * answers each line with one: a number that is negative after a failure, then what there is to say.
 *
 * Built for two kinds of machine, two of these share objects while a test tells both what to do.
 * The argument is the descriptor of a socket to the other one, for what is handed over. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { MEMBERS = 16 };

static ferry_segment *segment;
static ferry_queue *queue;
static ferry_semaphore *semaphore;
static int channel;

static int answer(int64_t number, const char *text)
{
    return printf("%" PRId64 " %s\n", number, number < 0 ? ferry_explain() : text);
}

static char *bytes_at(const char *at)
{
    return (char *)ferry_segment_data(segment) + strtoull(at, NULL, 10);
}

/* ---- Coming and going ------------------------------------------------------------------------ */

static int do_create(char **words)
{
    const char *name = strcmp(words[1], "-") == 0 ? NULL : words[1];
    return answer(ferry_segment_open(&segment, name,
                                     FERRY_SEGMENT(.flags = FERRY_CREATE | FERRY_EXCLUSIVE,
                                                   .size_bytes = strtoull(words[2], NULL, 10))),
                  "");
}

static int do_open(char **words)
{
    return answer(ferry_segment_open(&segment, words[1], NULL), "");
}

static int do_close(char **words)
{
    (void)words;
    segment = ferry_segment_close(segment);
    return answer(0, "");
}

union one_descriptor {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Sends a parcel through the channel, and closes it.  0, or -errno. */
static int send_parcel(int parcel)
{
    char byte = 'p';
    union one_descriptor control = {.bytes = {0}};
    struct iovec piece = {&byte, 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &parcel, sizeof(parcel));
    ssize_t sent = sendmsg(channel, &message, 0);
    int error = errno;
    close(parcel);
    return sent == 1 ? 0 : -error;
}

/* The next parcel that comes, or -errno. */
static int receive_parcel(void)
{
    char byte;
    union one_descriptor control = {.bytes = {0}};
    struct iovec piece = {&byte, 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
        return -errno;
    int parcel;
    memcpy(&parcel, CMSG_DATA(&control.header), sizeof(parcel));
    return parcel;
}

static int do_give(char **words)
{
    int parcel;
    (void)words;
    int r = ferry_segment_hand_over(segment, 0, &parcel);
    return answer(r < 0 ? r : send_parcel(parcel), "");
}

static int do_take(char **words)
{
    (void)words;
    int parcel = receive_parcel();
    return answer(parcel < 0 ? parcel : ferry_segment_take(&segment, parcel), "");
}

/* ---- Contents, lock, notice ------------------------------------------------------------------ */

static int do_write(char **words)
{
    memcpy(bytes_at(words[1]), words[2], strlen(words[2]));
    return answer(0, "");
}

static int do_read(char **words)
{
    char text[256] = "";
    memcpy(text, bytes_at(words[1]), strtoul(words[2], NULL, 10));
    return answer(0, text);
}

static int do_lock(char **words)
{
    return answer(ferry_segment_lock(segment, strtoll(words[1], NULL, 10)), "");
}

static int do_unlock(char **words)
{
    (void)words;
    return answer(ferry_segment_unlock(segment), "");
}

static int do_repaired(char **words)
{
    (void)words;
    return answer(ferry_segment_repaired(segment), "");
}

/* Adds 1 so many times to a plain number, which loses nothing only under a lock that excludes. */
static int do_count(char **words)
{
    volatile uint32_t *number = (void *)bytes_at(words[1]);
    for (long left = strtol(words[2], NULL, 10); left > 0; left--) {
        int r = ferry_segment_lock(segment, FERRY_FOREVER);
        if (r < 0)
            return answer(r, "");
        *number = *number + 1;
        ferry_segment_unlock(segment);
    }
    return answer(*number, "");
}

static int do_notify(char **words)
{
    (void)words;
    return answer(ferry_segment_notify(segment), "");
}

static int do_wait(char **words)
{
    uint32_t version = (uint32_t)strtoul(words[1], NULL, 10);
    int r = ferry_segment_wait(segment, &version, strtoll(words[2], NULL, 10));
    return r < 0 ? answer(r, "") : answer(version, "");
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int do_look(char **words)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    (void)words;
    int r = ferry_segment_look(segment, &object);
    printf("%d size=%" PRIu64 " attached=%u dead=%u attaches=%" PRIu64 " detaches=%" PRIu64
           " deaths=%" PRIu64 " owner=%d owner_dead=%d unrepaired=%d version=%u locks=%" PRIu64
           " waits=%" PRIu64 " created=%" PRId64 "\n",
           r, object.size_bytes, object.attached, object.dead, object.attach_count,
           object.detach_count, object.death_count, (int)object.lock_owner_pid,
           object.lock_owner_dead, object.unrepaired, object.version, object.lock_count,
           object.wait_count, object.created_unix_ms);
    return 0;
}

static int do_members(char **words)
{
    struct ferry_member members[MEMBERS];
    int count = ferry_look_members(words[1], members, MEMBERS);
    printf("%d", count);
    for (int i = 0; i < count && i < MEMBERS; i++)
        printf(" %u:%d:%s:%u:%s%s", members[i].slot, (int)members[i].pid,
               members[i].alive ? "alive" : "dead", members[i].role,
               members[i].waiting ? "waiting" : "", members[i].holds_lock ? "owner" : "");
    return printf("\n");
}

static int print_field(const struct ferry_field *field, void *context)
{
    (void)context;
    printf(" %s.%s=%" PRIu64 "+%u:%" PRIx64, field->group, field->name, field->offset,
           field->width_bytes, field->value);
    return 0;
}

static int do_raw(char **words)
{
    printf("0");
    if (ferry_look_raw(words[1], print_field, NULL) < 0)
        printf(" %s", ferry_explain());
    return printf("\n");
}

/* ---- Queues ----------------------------------------------------------------------------------- */

enum { QUEUE_MESSAGES = 8, QUEUE_LARGEST = 200 };

static int do_queue(char **words)
{
    const char *name = strcmp(words[1], "-") == 0 ? NULL : words[1];
    return answer(
        ferry_queue_open(&queue, name,
                         FERRY_QUEUE(.flags = FERRY_CREATE | (unsigned)strtoul(words[2], NULL, 10),
                                     .messages = QUEUE_MESSAGES,
                                     .bytes = QUEUE_MESSAGES * QUEUE_LARGEST,
                                     .largest = QUEUE_LARGEST)),
        "");
}

/* A text, so often in a row, with a type and a priority of 3 if the queue has them. */
static int do_send(char **words)
{
    char bytes[QUEUE_LARGEST] = "";
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    int r = ferry_queue_statistics(queue, &statistics);
    size_t length = strlen(words[1]), times = strtoul(words[2], NULL, 10);
    for (size_t i = 0; i < times && (i + 1) * length <= sizeof(bytes); i++)
        memcpy(bytes + i * length, words[1], length);
    const struct ferry_message message = {.bytes = bytes,
                                          .size_bytes = times * length,
                                          .type = statistics.flags & FERRY_TYPES ? 3 : 0,
                                          .priority = statistics.flags & FERRY_PRIORITIES ? 3 : 0};
    return answer(
        r < 0 ? r : ferry_queue_send_message(queue, &message, strtoll(words[3], NULL, 10)), "");
}

static int do_receive(char **words)
{
    char text[QUEUE_LARGEST + 32] = "";
    struct ferry_message message = {.bytes = text, .size_bytes = QUEUE_LARGEST};
    ssize_t n = ferry_queue_receive_message(queue, &message, NULL, strtoll(words[1], NULL, 10));
    return answer(n, text);
}

static int do_statistics(char **words)
{
    struct ferry_queue_statistics statistics = {.statistics_bytes = sizeof(statistics)};
    (void)words;
    int r = ferry_queue_statistics(queue, &statistics);
    printf("%d messages=%" PRIu64 " bytes=%" PRIu64 " most=%" PRIu64 " capacity=%" PRIu64
           " sent=%" PRIu64 " received=%" PRIu64 " flags=%x old=%d\n",
           r, statistics.messages, statistics.bytes, statistics.most_messages,
           statistics.capacity_bytes, statistics.sent, statistics.received, statistics.flags,
           statistics.oldest_age_ns >= 0);
    return 0;
}

static int do_give_queue(char **words)
{
    int parcel;
    (void)words;
    int r = ferry_queue_hand_over(queue, 0, &parcel);
    return answer(r < 0 ? r : send_parcel(parcel), "");
}

static int do_take_queue(char **words)
{
    (void)words;
    int parcel = receive_parcel();
    return answer(parcel < 0 ? parcel : ferry_queue_take(&queue, parcel), "");
}

/* ---- Semaphores -------------------------------------------------------------------------------- */

/* One by itself, or a set of so many, with so many units each. */
static int do_semaphore(char **words)
{
    const char *name = strcmp(words[1], "-") == 0 ? NULL : words[1];
    return answer(
        ferry_semaphore_open(&semaphore, name,
                             FERRY_SEMAPHORE(.flags = FERRY_CREATE,
                                             .count = (uint32_t)strtoul(words[2], NULL, 10),
                                             .value = (uint32_t)strtoul(words[3], NULL, 10))),
        "");
}

static int do_post(char **words)
{
    (void)words;
    return answer(ferry_semaphore_post(semaphore), "");
}

static int do_unit(char **words)
{
    return answer(ferry_semaphore_wait(semaphore, strtoll(words[1], NULL, 10)), "");
}

/* As do_count(), with a semaphore for a lock. */
static int do_visit(char **words)
{
    volatile uint32_t *number = (void *)bytes_at(words[1]);
    for (long left = strtol(words[2], NULL, 10); left > 0; left--) {
        int r = ferry_semaphore_wait(semaphore, FERRY_FOREVER);
        if (r < 0)
            return answer(r, "");
        *number = *number + 1;
        ferry_semaphore_post(semaphore);
    }
    return answer(*number, "");
}

/* The same change of the first and of another one of a set, as one; what a death gives back. */
static int do_steps(char **words)
{
    const int32_t change = (int32_t)strtol(words[2], NULL, 10);
    const struct ferry_semaphore_step steps[] = {
        {0, change, FERRY_GIVE_BACK},
        {(uint32_t)strtoul(words[1], NULL, 10), change, FERRY_GIVE_BACK}};
    return answer(ferry_semaphore_operate(semaphore, steps, 2, strtoll(words[3], NULL, 10)), "");
}

static int do_units(char **words)
{
    uint32_t values[4], count = (uint32_t)strtoul(words[1], NULL, 10), waiters;
    int r = count > 1 ? ferry_semaphore_values(semaphore, values, count < 4 ? count : 4)
                      : ferry_semaphore_value(semaphore, values);
    if (r < 0 || (r = ferry_semaphore_waiters(semaphore, &waiters)) < 0)
        return answer(r, "");
    printf("0");
    for (uint32_t i = 0; i < count && i < 4; i++)
        printf(" %u", values[i]);
    return printf(" sleepers=%u\n", waiters);
}

static int do_give_semaphore(char **words)
{
    int parcel;
    (void)words;
    int r = ferry_semaphore_hand_over(semaphore, &parcel);
    return answer(r < 0 ? r : send_parcel(parcel), "");
}

static int do_take_semaphore(char **words)
{
    (void)words;
    int parcel = receive_parcel();
    return answer(parcel < 0 ? parcel : ferry_semaphore_take(&semaphore, parcel), "");
}

/* ---- The lines ------------------------------------------------------------------------------- */

static const struct order {
    const char *word;
    int (*run)(char **words);
    int operands;
} orders[] = {
    {"create", do_create, 2},
    {"open", do_open, 1},
    {"close", do_close, 0},
    {"give", do_give, 0},
    {"take", do_take, 0},
    {"write", do_write, 2},
    {"read", do_read, 2},
    {"lock", do_lock, 1},
    {"unlock", do_unlock, 0},
    {"count", do_count, 2},
    {"repaired", do_repaired, 0},
    {"notify", do_notify, 0},
    {"wait", do_wait, 2},
    {"look", do_look, 0},
    {"members", do_members, 1},
    {"raw", do_raw, 1},
    {"queue", do_queue, 2},
    {"send", do_send, 3},
    {"receive", do_receive, 1},
    {"statistics", do_statistics, 0},
    {"give-queue", do_give_queue, 0},
    {"take-queue", do_take_queue, 0},
    {"semaphore", do_semaphore, 3},
    {"post", do_post, 0},
    {"unit", do_unit, 1},
    {"visit", do_visit, 2},
    {"steps", do_steps, 3},
    {"units", do_units, 1},
    {"give-semaphore", do_give_semaphore, 0},
    {"take-semaphore", do_take_semaphore, 0},
};

static void obey(char *line)
{
    char *words[4] = {NULL};
    int count = 0;
    for (char *word = strtok(line, " \n"); word && count < 4; word = strtok(NULL, " \n"))
        words[count++] = word;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (count > 0 && strcmp(words[0], orders[i].word) == 0 && count == orders[i].operands + 1) {
            orders[i].run(words);
            return;
        }
    printf("%d not an order\n", -EINVAL);
}

int main(int argc, char **argv)
{
    char line[512];
    channel = argc > 1 ? atoi(argv[1]) : -1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin))
        obey(line);
    ferry_segment_close(segment);
    ferry_queue_close(queue);
    ferry_semaphore_close(semaphore);
    return 0;
}

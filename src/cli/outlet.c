/* See outlet.h.  The message is received between its header and its line end, and so is written without being copied. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/outlet.h"
#include "cli/output.h"
#include "cli/text.h"

enum { HEADER = 4 };

/* Nobody tells who sleeps for a message that its reader has gone, so it looks. */
static const int64_t LOOK_NS = 1000000000;

void outlet_free(struct outlet *outlet)
{
    free(outlet->memory);
    free(outlet->json);
    outlet->memory = outlet->json = NULL;
}

/* ---- Standard output --------------------------------------------------------------------------- */

int outlet_await(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while (poll(&output, 1, -1) < 0 && errno == EINTR)
        ;
    /* Other trouble is for the write to find. */
    return (output.revents & (POLLERR | POLLHUP)) != 0 ? -EPIPE : 0;
}

/* Files and the like have no readers that leave. */
int64_t outlet_slice(const struct outlet *outlet, int64_t left_ns)
{
    bool is_long = left_ns == FERRY_FOREVER || left_ns > LOOK_NS;
    return outlet->has_reader && is_long ? LOOK_NS : left_ns;
}

/* What can never be written says so to a write of nothing; but a socket might take that for a message. */
int outlet_start(struct outlet *outlet, uint64_t largest)
{
    struct stat output;
    if (fstat(STDOUT_FILENO, &output) < 0)
        return -errno;
    outlet->has_reader = S_ISFIFO(output.st_mode) || S_ISSOCK(output.st_mode);
    if (!S_ISSOCK(output.st_mode) && write(STDOUT_FILENO, "", 0) < 0)
        return -errno;
    outlet->memory = expect_memory(malloc(HEADER + (size_t)largest + 1));
    outlet->room = outlet->memory + HEADER;
    return 0;
}

static int put_bytes(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, count);
        if (n < 0 && errno == EAGAIN)
            outlet_await();
        else if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        bytes += n;
        count -= (size_t)n;
    }
    return 0;
}

/* ---- JSON -------------------------------------------------------------------------------------- */

/* Is it text?  A byte 0 stands behind it, so that no sequence is looked for beyond its end. */
static bool is_utf_8(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t length = text_sequence(bytes + i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

static char *put_text(char *to, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            to += sprintf(to, "\\u%04x", (unsigned)bytes[i]);
        else if (bytes[i] == '"' || bytes[i] == '\\')
            to += sprintf(to, "\\%c", bytes[i]);
        else
            *to++ = bytes[i];
    return to;
}

static char *put_base64(char *to, const char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (i + j < count ? (unsigned char)bytes[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            *to++ = i + j <= count ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return to;
}

/* A byte becomes six characters at most. */
static void make_json_room(struct outlet *outlet, size_t message_size)
{
    if (message_size > (SIZE_MAX - 128) / 6)
        expect_memory(NULL);
    size_t size = 6 * message_size + 128;
    if (size <= outlet->json_size)
        return;
    outlet->json = expect_memory(realloc(outlet->json, size));
    outlet->json_size = size;
}

static int put_json(struct outlet *outlet, const struct ferry_message *message)
{
    size_t size = message->size_bytes;
    make_json_room(outlet, size);
    outlet->room[size] = '\0';
    bool is_text = is_utf_8(outlet->room, size);
    char *to = outlet->json;
    to += sprintf(to, "{\"%s\":\"", is_text ? "text" : "base64");
    to = (is_text ? put_text : put_base64)(to, outlet->room, size);
    to += sprintf(to, "\",\"type\":%" PRIu64 ",\"priority\":%" PRIu32 "}\n", message->type,
                  message->priority);
    return put_bytes(outlet->json, (size_t)(to - outlet->json));
}

/* ------------------------------------------------------------------------------------------------ */

static int put_record(struct outlet *outlet, uint32_t size)
{
    for (int i = 0; i < HEADER; i++)
        outlet->memory[i] = (char)(size >> (8 * i) & 0xff);
    return put_bytes(outlet->memory, HEADER + size);
}

int outlet_put(struct outlet *outlet, const struct ferry_message *message)
{
    if (outlet->as_json)
        return put_json(outlet, message);
    if (outlet->by_record)
        return put_record(outlet, (uint32_t)message->size_bytes);
    outlet->room[message->size_bytes] = '\n';
    return put_bytes(outlet->room, message->size_bytes + 1);
}

/* See parcels.h. */
#include "parcels.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static const int64_t AT_ONCE_NS = 2000000000;

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PARTS_MOST * sizeof(int))];
};

static void unpack(struct parts *parts, int parcel)
{
    union control control;
    struct iovec piece = {.iov_base = parts->bytes, .iov_len = sizeof(parts->bytes)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t count = recvmsg(parcel, &message, MSG_CMSG_CLOEXEC);
    CHECK_ERRNO(count);
    parts->count = (size_t)count;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    CHECK(header != NULL);
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    CHECK(bytes <= sizeof(parts->descriptors));
    memcpy(parts->descriptors, CMSG_DATA(header), bytes);
    parts->descriptor_count = bytes / sizeof(int);
    close(parcel);
}

void parts_make(struct parts *ret_parts, const char *name)
{
    int parcel;
    unsigned flags = name ? FERRY_CREATE | FERRY_EXCLUSIVE : 0;
    *ret_parts = (struct parts){.segment = NULL};
    CHECK_OK(ferry_segment_open(&ret_parts->segment, name,
                                FERRY_SEGMENT(.flags = flags, .size_bytes = 4097)));
    CHECK_OK(ferry_segment_hand_over(ret_parts->segment, 0, &parcel));
    unpack(ret_parts, parcel);
    CHECK_EQ(ret_parts->descriptor_count, PARTS_DESCRIPTORS);
}

void parts_make_pipe(struct parts *ret_parts, const char *name, unsigned role)
{
    int parcel;
    *ret_parts = (struct parts){.segment = NULL};
    if (name)
        CHECK_OK(ferry_pipe_open(&ret_parts->ends[0], name,
                                 FERRY_PIPE(.flags = FERRY_CREATE | FERRY_EXCLUSIVE)));
    else
        CHECK_OK(ferry_pipe_pair(ret_parts->ends, NULL));
    bool second = name == NULL && role == FERRY_WRITE;
    CHECK_OK(ferry_pipe_hand_over(ret_parts->ends[second], role, &parcel));
    unpack(ret_parts, parcel);
}

void parts_drop(struct parts *parts)
{
    for (size_t i = 0; i < parts->descriptor_count; i++)
        if (parts->descriptors[i] >= 0)
            close(parts->descriptors[i]);
    ferry_segment_close(parts->segment);
    for (int i = 0; i < 2; i++)
        ferry_pipe_close(parts->ends[i]);
}

int parcel_send(int type, const void *bytes, size_t count, const int *descriptors,
                size_t descriptor_count, int *ret_sender)
{
    int pair[2];
    union control control = {.bytes = {0}};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    CHECK_ERRNO(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
    if (descriptor_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        CHECK(header != NULL);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                   .cmsg_type = SCM_RIGHTS,
                                   .cmsg_len = CMSG_LEN(descriptor_count * sizeof(int))};
        memcpy(CMSG_DATA(header), descriptors, descriptor_count * sizeof(int));
    }
    CHECK_ERRNO(sendmsg(pair[1], &message, MSG_NOSIGNAL));
    if (ret_sender)
        *ret_sender = pair[1];
    else
        close(pair[1]);
    return pair[0];
}

int parts_send(const struct parts *parts)
{
    return parcel_send(SOCK_SEQPACKET, parts->bytes, parts->count, parts->descriptors,
                       parts->descriptor_count, NULL);
}

static void use(ferry_segment *segment)
{
    uint32_t version;
    struct ferry_object object = {.object_bytes = sizeof(object)};
    ferry_segment_lock(segment, FERRY_NOW);
    ferry_segment_unlock(segment);
    ferry_segment_notify(segment);
    if (ferry_segment_version(segment, &version) == 0)
        ferry_segment_wait(segment, &version, FERRY_NOW);
    ferry_segment_descriptor(segment);
    ferry_segment_look(segment, &object);
}

static void use_pipe(ferry_pipe *pipe)
{
    char bytes[100] = "";
    uint64_t number;
    ferry_pipe_write(pipe, bytes, sizeof(bytes), FERRY_NOW);
    ferry_pipe_read(pipe, bytes, sizeof(bytes), FERRY_NOW);
    ferry_pipe_read(pipe, bytes, sizeof(bytes), 1000000);
    for (int i = 0; i < 700; i++) /* until it is full */
        ferry_pipe_write(pipe, bytes, sizeof(bytes), FERRY_NOW);
    ferry_pipe_write(pipe, bytes, sizeof(bytes), 1000000);
    ferry_pipe_depth(pipe, &number);
}

/* Takes it as either kind. */
static int try(int parcel, ferry_segment **segment, ferry_pipe **pipe)
{
    int64_t start = test_now_ns();
    int r = segment ? ferry_segment_take(segment, parcel) : ferry_pipe_take(pipe, parcel);
    if (r < 0) {
        CHECK(segment ? *segment == NULL : *pipe == NULL);
        CHECK(ferry_explain()[0] != '\0');
        close(parcel);
    } else if (segment) {
        use(*segment);
        ferry_segment_close(*segment);
    } else {
        use_pipe(*pipe);
        ferry_pipe_close(*pipe);
    }
    CHECK(test_now_ns() - start < AT_ONCE_NS);
    return r;
}

int parcel_try(int parcel)
{
    ferry_segment *segment = NULL;
    return try(parcel, &segment, NULL);
}

int parcel_try_pipe(int parcel)
{
    ferry_pipe *pipe = NULL;
    return try(parcel, NULL, &pipe);
}

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
    CHECK_EQ(header->cmsg_len, CMSG_LEN(sizeof(parts->descriptors)));
    memcpy(parts->descriptors, CMSG_DATA(header), sizeof(parts->descriptors));
}

void parts_make(struct parts *ret_parts, const char *name)
{
    int parcel;
    unsigned flags = name ? FERRY_CREATE | FERRY_EXCLUSIVE : 0;
    CHECK_OK(ferry_segment_open(&ret_parts->segment, name,
                                FERRY_SEGMENT(.flags = flags, .size_bytes = 4097)));
    CHECK_OK(ferry_segment_hand_over(ret_parts->segment, 0, &parcel));
    unpack(ret_parts, parcel);
    close(parcel);
}

void parts_drop(struct parts *parts)
{
    for (int i = 0; i < PARTS_DESCRIPTORS; i++)
        if (parts->descriptors[i] >= 0)
            close(parts->descriptors[i]);
    ferry_segment_close(parts->segment);
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
                       PARTS_DESCRIPTORS, NULL);
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

int parcel_try(int parcel)
{
    ferry_segment *segment = NULL;
    int64_t start = test_now_ns();
    int r = ferry_segment_take(&segment, parcel);
    if (r < 0) {
        CHECK(segment == NULL);
        CHECK(ferry_explain()[0] != '\0');
        close(parcel);
    } else {
        use(segment);
        ferry_segment_close(segment);
    }
    CHECK(test_now_ns() - start < AT_ONCE_NS);
    return r;
}

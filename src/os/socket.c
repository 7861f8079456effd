/* SCM_RIGHTS over a socket pair.  A parcel may come from anybody: what does not fit exactly is
 * refused, and every descriptor that came with it is closed. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/socket.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* The C libraries do not agree on the type of these two. */
typedef __typeof__(((struct msghdr *)0)->msg_controllen) control_length;
typedef __typeof__(((struct cmsghdr *)0)->cmsg_len) header_length;

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PARCEL_DESCRIPTORS * sizeof(int))];
};

int socket_pack(const void *bytes, size_t count, const int *descriptors, size_t descriptor_count)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    CLEANUP(file_close) int parcel = pair[0];
    CLEANUP(file_close) int sender = pair[1];

    char copy[PARCEL_BYTES];
    if (count > sizeof(copy) || descriptor_count > PARCEL_DESCRIPTORS)
        return -EINVAL;
    memcpy(copy, bytes, count);
    union control control = {.bytes = {0}};
    struct iovec piece = {.iov_base = copy, .iov_len = count};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen =
                                 (control_length)CMSG_SPACE(descriptor_count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = (header_length)CMSG_LEN(descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, descriptor_count * sizeof(int));
    if (sendmsg(sender, &message, MSG_NOSIGNAL) < 0)
        return -errno;
    return TAKE_FD(parcel);
}

/* Collects what came along; returns how many. */
static size_t collect(struct msghdr *message, int ret_descriptors[PARCEL_DESCRIPTORS])
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len < CMSG_LEN(0))
        return 0;
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    if (bytes > PARCEL_DESCRIPTORS * sizeof(int))
        bytes = PARCEL_DESCRIPTORS * sizeof(int);
    memcpy(ret_descriptors, CMSG_DATA(header), bytes);
    return bytes / sizeof(int);
}

/* Looks at what is in the parcel and leaves it there; *ret_flags says what was cut off. */
static ssize_t peek(int parcel, struct iovec *piece, int came[PARCEL_DESCRIPTORS], size_t *ret_came,
                    int *ret_flags)
{
    union control control = {.bytes = {0}};
    /* Without what comes of aligning its end: the kernel would put a descriptor more there. */
    struct msghdr message = {.msg_iov = piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen =
                                 (control_length)CMSG_LEN(sizeof(int[PARCEL_DESCRIPTORS]))};
    ssize_t length = recvmsg(parcel, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *ret_came = length < 0 ? 0 : collect(&message, came);
    *ret_flags = message.msg_flags;
    return length;
}

/* Not to take a byte out of somebody's other socket; and that nobody can have the kernel put a
 * descriptor of its own into the message, which would be left open here. */
static bool may_be_parcel(int parcel)
{
    const int no = 0;
    int type = 0;
    socklen_t length = sizeof(type);
    if (getsockopt(parcel, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_SEQPACKET)
        return false;
    setsockopt(parcel, SOL_SOCKET, SO_PASSPIDFD, &no, sizeof(no)); /* Linux 6.5 */
    setsockopt(parcel, SOL_SOCKET, SO_PASSCRED, &no, sizeof(no));
    return true;
}

int socket_look(int parcel, void *ret_bytes, size_t count)
{
    if (!may_be_parcel(parcel))
        return -EBADMSG;
    ssize_t length = recv(parcel, ret_bytes, count, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    return length >= 0 && (size_t)length == count ? 0 : -EBADMSG;
}

static int drop(int came[PARCEL_DESCRIPTORS], int error)
{
    for (size_t i = 0; i < PARCEL_DESCRIPTORS; i++)
        file_close(&came[i]);
    return error;
}

int socket_unpack(int parcel, void *ret_bytes, size_t count,
                  int ret_descriptors[PARCEL_DESCRIPTORS])
{
    struct iovec piece = {.iov_base = ret_bytes, .iov_len = count};
    int came[PARCEL_DESCRIPTORS];
    size_t descriptor_count;
    int flags;
    if (!may_be_parcel(parcel))
        return -EBADMSG;
    for (size_t i = 0; i < PARCEL_DESCRIPTORS; i++)
        came[i] = -1;
    ssize_t length = peek(parcel, &piece, came, &descriptor_count, &flags);
    if (length < 0)
        return -EBADMSG;
    /* The kernel hands out as many descriptors as it can: fewer than there is room for, and yet
     * some cut off, means that this process may have no more.  The parcel stays whole. */
    if ((flags & MSG_CTRUNC) != 0 && descriptor_count < PARCEL_DESCRIPTORS)
        return drop(came, -EMFILE);
    /* Whoever takes the message out has opened the parcel; a peek alone is nothing. */
    char byte;
    if (recv(parcel, &byte, 1, MSG_DONTWAIT) <= 0)
        return drop(came, -EBADMSG);
    if ((size_t)length != count || (flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return drop(came, -EBADMSG);
    memcpy(ret_descriptors, came, sizeof(came));
    return 0;
}

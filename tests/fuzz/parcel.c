/* Fuzz target: a parcel with other bytes and other descriptors than a sound one has.
 *
 * An input is how many descriptors there are; a byte for each, which says what it is; and patches of
 * the bytes, each an offset and a value. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile/parcels.h"
#include "shared/layout.h"
#include "support.h"
#include "test.h"

enum { MOST = 8, OWN = 160 };

static int memfd(uint64_t choice)
{
    static const off_t sizes[] = {0, 4097, sizeof(struct layout), 1 << 16};
    int fd = memfd_create("ferry", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    CHECK_ERRNO(ftruncate(fd, sizes[choice % 4]));
    if (choice / 4 % 2 == 0)
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return fd;
}

static int strange(uint64_t choice)
{
    int ends[2];
    switch (choice % 4) {
    case 0:
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    case 1:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    case 2:
        CHECK_ERRNO(pipe2(ends, O_CLOEXEC));
        close(ends[1]);
        return ends[0];
    default:
        return memfd(choice / 4);
    }
}

/* The right one in most cases, else one from another place or a strange one. */
static int choose(const struct parts *parts, size_t place, uint64_t choice)
{
    if (choice < OWN)
        return fcntl(parts->descriptors[place % PARTS_DESCRIPTORS], F_DUPFD_CLOEXEC, 0);
    if (choice % 2 == 0)
        return fcntl(parts->descriptors[choice / 2 % PARTS_DESCRIPTORS], F_DUPFD_CLOEXEC, 0);
    return strange(choice / 2);
}

static void patch(struct input *input, struct parts *parts)
{
    uint64_t at = input_take(input, 1);
    if ((at & 1) != 0) { /* the control memory: a peer wrote it */
        uint64_t value = input_take(input, 8);
        off_t offset = (off_t)(input_take(input, 2) % LAYOUT_RESERVED_AT_FIRST);
        CHECK_ERRNO(pwrite(parts->descriptors[PARTS_CONTROL], &value, sizeof(value), offset));
    } else {
        parts->bytes[at] = (char)input_take(input, 1);
    }
}

/* A living holder of the books would be waited for. */
static void defuse(struct parts *parts)
{
    const uint32_t none = 0;
    CHECK_ERRNO(pwrite(parts->descriptors[PARTS_CONTROL], &none, sizeof(none),
                       offsetof(struct layout, lock.word)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct parts parts;
    int descriptors[MOST];
    fuzz_root();
    parts_make(&parts, NULL);
    size_t count = input_take(&input, 1) % (MOST + 1);
    for (size_t i = 0; i < count; i++)
        descriptors[i] = choose(&parts, i, input_take(&input, 1));
    while (input.left > 0)
        patch(&input, &parts);
    defuse(&parts);
    int parcel = parcel_send(SOCK_SEQPACKET, parts.bytes, parts.count, descriptors, count, NULL);
    for (size_t i = 0; i < count; i++)
        close(descriptors[i]);
    parcel_try(parcel);
    defuse(&parts);
    parts_drop(&parts);
    fuzz_check_descriptors();
    return 0;
}

/* Fuzz target: a file that goes by an object's name, looked at, opened, used and removed.
 *
 * An input is a byte of choices, a size for the data, and the file's beginning. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "shared/layout.h"
#include "support.h"
#include "test.h"

/* Bits of the choices. */
enum { SEAL = 1, WHOLE = 2, DATA = 4, DATA_AS_SAID = 8, BELL = 16, TEMPORARY = 32, MAGIC = 64 };

enum { DATA_MOST = 1 << 20 };

static void make_parts(uint64_t inode, uint64_t choices, uint64_t data_bytes)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/ferry.x:data:%016llx", fuzz_root(), (unsigned long long)inode);
    if ((choices & DATA) != 0) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK_ERRNO(ftruncate(fd, (off_t)(data_bytes % DATA_MOST)));
        close(fd);
    }
    snprintf(path, sizeof(path), "%s/ferry.x:bell:%016llx", fuzz_root(), (unsigned long long)inode);
    if ((choices & BELL) != 0)
        mkfifo(path, 0600);
}

static void make(struct input *input)
{
    static char memory[LAYOUT_RESERVED_AT_FIRST];
    char path[4096];
    struct stat status;
    struct layout_identity *identity = (struct layout_identity *)(void *)memory;
    uint64_t choices = input_take(input, 1), data_bytes = input_take(input, 4);
    size_t count = input->left < sizeof(memory) ? input->left : sizeof(memory);
    memset(memory, 0, sizeof(memory));
    memcpy(memory, input->data, count);
    if ((choices & DATA_AS_SAID) != 0)
        data_bytes = identity->size_bytes;
    if ((choices & SEAL) != 0 && count >= sizeof(*identity))
        layout_seal(identity);
    snprintf(path, sizeof(path), "%s/ferry.x", fuzz_root());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK_EQ(write(fd, memory, count), (ssize_t)count);
    if ((choices & WHOLE) != 0)
        CHECK_ERRNO(ftruncate(fd, sizeof(struct layout)));
    CHECK_ERRNO(fchmod(fd, (choices & TEMPORARY) != 0 ? 01600 : 0600));
    CHECK_ERRNO(fstat(fd, &status));
    close(fd);
    make_parts(status.st_ino, choices, data_bytes);
}

static int pass(const struct ferry_field *field, void *context)
{
    (void)context;
    CHECK(field->offset + field->width_bytes <= sizeof(struct layout));
    return 0;
}

static void look(void)
{
    struct ferry_member members[4];
    struct ferry_object object = {.object_bytes = sizeof(object)};
    if (ferry_look("x", &object) == 0) {
        CHECK(memchr(object.name, '\0', sizeof(object.name)) != NULL);
        CHECK(memchr(object.damage, '\0', sizeof(object.damage)) != NULL);
    }
    ferry_look_members("x", members, 4);
    ferry_look_raw("x", pass, NULL);
}

static void use(void)
{
    ferry_segment *segment;
    uint32_t version;
    if (ferry_segment_open(&segment, "x", NULL) < 0) {
        CHECK(ferry_explain()[0] != '\0');
        return;
    }
    ferry_segment_lock(segment, FERRY_NOW);
    ferry_segment_unlock(segment);
    ferry_segment_notify(segment);
    if (ferry_segment_version(segment, &version) == 0)
        ferry_segment_wait(segment, &version, 10000);
    ferry_segment_close(segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    fuzz_root();
    make(&input);
    look();
    use();
    ferry_remove("x");
    ferry_sweep();
    fuzz_check_descriptors();
    return 0;
}

/* Mappings between guards (contract H1, H2, M4). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "os/map.h"
#include "test.h"

/* A file of that many bytes that is nowhere. */
static int file_of(size_t bytes)
{
    int fd = memfd_create("map-test", MFD_CLOEXEC);
    CHECK_ERRNO(fd);
    CHECK_ERRNO(ftruncate(fd, (off_t)bytes));
    return fd;
}

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

struct touch {
    volatile unsigned char *at;
    bool write;
};

static void touch(void *context)
{
    struct touch *touched = context;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would report and exit instead */
    if (touched->write)
        *touched->at = 1;
    else
        (void)*touched->at;
}

/* Does touching that byte kill with SIGSEGV?  Asked of a child. */
static bool faults(const void *at, bool write)
{
    struct touch touched = {.at = (volatile unsigned char *)(uintptr_t)at, .write = write};
    pid_t pid = test_child(touch, &touched);
    int status;
    CHECK_ERRNO(waitpid(pid, &status, 0));
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

TEST(both_ends_of_a_mapping_fault) /* H2, M4 */
{
    int fd = file_of(2 * page());
    struct map map;
    CHECK_OK(map_file(&map, fd, 2 * page(), true, NULL));
    CHECK_EQ(map.size_bytes, 2 * page());
    CHECK(!faults(map.data, true));
    CHECK(!faults(map.data + 2 * page() - 1, true));
    CHECK(faults(map.data - 1, false));
    CHECK(faults(map.data - 1, true));
    CHECK(faults(map.data - page(), false));
    CHECK(faults(map.data + 2 * page(), false));
    CHECK(faults(map.data + 2 * page(), true));
    CHECK(faults(map.data + 3 * page() - 1, true));
    map_release(&map);
    close(fd);
}

TEST(a_size_that_is_no_page_ends_with_its_last_page) /* H2 */
{
    int fd = file_of(4097);
    struct map map;
    CHECK_OK(map_file(&map, fd, 4097, true, NULL));
    CHECK_EQ(map.size_bytes, 4097);
    CHECK(!faults(map.data + 4096, true));
    CHECK(faults(map.data + 2 * 4096, true));
    map_release(&map);
    close(fd);
}

TEST(a_mapping_for_reading_cannot_be_written) /* H1 */
{
    int fd = file_of(page());
    struct map map;
    CHECK_OK(map_file(&map, fd, page(), false, NULL));
    CHECK(!faults(map.data, false));
    CHECK(faults(map.data, true));
    map_release(&map);
    close(fd);
}

TEST(a_mapping_goes_where_it_is_asked_to) /* H1 */
{
    int fd = file_of(page());
    struct map map, again;
    CHECK_OK(map_file(&map, fd, page(), true, NULL));
    void *address = map.data;
    map_release(&map);
    CHECK_OK(map_file(&again, fd, page(), true, address));
    CHECK(again.data == address);
    CHECK(faults(again.data - 1, true) && faults(again.data + page(), true));
    map_release(&again);
    close(fd);
}

TEST(nothing_that_is_mapped_already_is_replaced) /* H1 */
{
    int fd = file_of(page());
    unsigned char *taken =
        mmap(NULL, 5 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(taken != MAP_FAILED);
    taken[2 * page()] = 42;
    struct map map = {0};
    CHECK_ERR(map_file(&map, fd, page(), true, taken + 2 * page()), EEXIST);
    CHECK_CONTAINS(ferry_explain(), "mapped at or next to");
    CHECK(map.data == NULL);
    CHECK_EQ(taken[2 * page()], 42);

    /* Nor what is where a guard would be. */
    munmap(taken + page(), page());
    munmap(taken + 3 * page(), page());
    munmap(taken + 2 * page(), page());
    CHECK_OK(map_file(&map, fd, page(), true, taken + 2 * page()));
    map_release(&map);
    CHECK_ERR(map_file(&map, fd, page(), true, taken + page()), EEXIST);
    CHECK_ERR(map_file(&map, fd, page(), true, taken + 3 * page()), EEXIST);
    munmap(taken, 5 * page());
    close(fd);
}

TEST(an_impossible_address_is_refused) /* H1 */
{
    int fd = file_of(page());
    struct map map = {0};
    const uintptr_t bad[] = {1, 4097, 0x10000001, UINTPTR_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERR(map_file(&map, fd, page(), true, (void *)bad[i]), EINVAL);
        CHECK_CONTAINS(ferry_explain(), "a multiple of");
    }
    CHECK_ERR(map_file(&map, fd, page(), true, (void *)page()), EINVAL);
    /* Where only the kernel lives. */
    uintptr_t kernel = UINTPTR_MAX / page() * page();
    CHECK_EQ(map_file(&map, fd, page(), true, (void *)kernel) < 0, 1);
    CHECK_CONTAINS(ferry_explain(), "leave the address out");
    CHECK(map.data == NULL);
    close(fd);
}

TEST(more_than_the_address_space_is_an_error) /* G10 */
{
    int fd = file_of(page());
    struct map map = {0};
    CHECK_ERR(map_file(&map, fd, SIZE_MAX, true, NULL), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "address space");
    CHECK_ERR(map_file(&map, fd, SIZE_MAX - 16 * page(), true, NULL), ENOMEM);
    CHECK_CONTAINS(ferry_explain(), "ulimit -v");
    CHECK(map.data == NULL);
    close(fd);
}

TEST(a_refused_mapping_leaves_no_reservation) /* G10 */
{
    if (test_is_emulated())
        SKIP("the emulator takes seconds to note a mapping of 1 TiB");
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK_ERRNO(fd);
    /* /dev/null cannot be mapped shared: if its reservation stayed each time, 200 times 1 TiB
     * would not fit 47 bits, nor 200 times 64 MiB 32 of them. */
    const size_t size = (size_t)1 << (sizeof(size_t) > 4 ? 40 : 26);
    struct map map = {0};
    for (int i = 0; i < 200; i++)
        CHECK_ERR(map_file(&map, fd, size, true, NULL), ENODEV);
    close(fd);
}

TEST(releasing_nothing_is_allowed)
{
    struct map map = {0};
    map_release(&map);
    int fd = file_of(1);
    CHECK_OK(map_file(&map, fd, 1, true, NULL));
    close(fd);
    map_release(&map);
    map_release(&map);
    CHECK(map.data == NULL && map.span == NULL);
}

TEST(a_ring_goes_on_at_its_beginning)
{
    if (test_is_emulated())
        SKIP("the emulator does not map shared memory once more without a descriptor");
    int fd = file_of(8 * page());
    struct map whole, ring;
    CHECK_OK(map_file(&whole, fd, 8 * page(), true, NULL));
    close(fd);
    CHECK_OK(map_twice(&ring, &whole, 2 * page(), 2 * page()));
    CHECK_EQ(ring.size_bytes, 4 * page());
    memcpy(ring.data + 2 * page() - 3, "abcdef", 6);
    CHECK(memcmp(ring.data, "def", 3) == 0);
    CHECK(memcmp(whole.data + 4 * page() - 3, "abc", 3) == 0);
    CHECK(memcmp(whole.data + 2 * page(), "def", 3) == 0);
    CHECK(faults(ring.data - 1, false));
    CHECK(faults(ring.data + 4 * page(), false));
    map_release(&whole);
    CHECK_EQ(ring.data[2 * page()], 'd'); /* the ring stays */
    map_release(&ring);
}

TEST(a_ring_of_a_file_goes_on_at_its_beginning)
{
    struct map whole, ring;
    int fd = file_of(4 * page());
    CHECK_OK(map_file(&whole, fd, 4 * page(), true, NULL));
    CHECK_OK(map_file_twice(&ring, fd, 2 * page(), page(), false));
    close(fd);
    memcpy(whole.data + 2 * page(), "def", 3);
    CHECK(memcmp(ring.data, "def", 3) == 0);
    CHECK(memcmp(ring.data + page(), "def", 3) == 0);
    CHECK(faults(ring.data, true));
    CHECK(faults(ring.data + 2 * page(), false));
    map_release(&ring);
    map_release(&whole);
}

TEST(a_ring_that_is_only_read_stays_so) /* G4 */
{
    if (test_is_emulated())
        SKIP("the emulator does not map shared memory once more without a descriptor");
    int fd = file_of(4 * page());
    struct map whole, ring;
    CHECK_OK(map_file(&whole, fd, 4 * page(), false, NULL));
    close(fd);
    CHECK_OK(map_twice(&ring, &whole, page(), page()));
    CHECK(faults(ring.data, true));
    CHECK(!faults(ring.data + page(), false));
    map_release(&ring);
    map_release(&whole);
}

/* Guarded mappings: one PROT_NONE reservation, into whose middle the file is mapped.
 *
 * The reservation comes first and the file replaces part of it, so at no moment could something
 * else be mapped where a guard belongs. */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "os/map.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Reserves `bytes` of address space, at `address` unless NULL. */
static int reserve(void **ret_span, size_t bytes, void *address)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *span =
        mmap(address, bytes, PROT_NONE, address ? flags | MAP_FIXED_NOREPLACE : flags, -1, 0);
    if (span == MAP_FAILED)
        return -errno;
    if (address != NULL && span != address) { /* a kernel that took the address for a hint */
        munmap(span, bytes);
        return -EEXIST;
    }
    *ret_span = span;
    return 0;
}

static int explain(int error, size_t bytes, const void *address)
{
    if (error == -EEXIST)
        return fail(error,
                    "something is mapped at or next to %p already; attach elsewhere, or "
                    "leave the address out",
                    address);
    if (error == -EPERM || error == -EINVAL)
        return fail(-EINVAL, "nothing can be mapped at %p; leave the address out", address);
    if (address != NULL)
        return fail_errno(error, "%zu bytes could not be mapped at %p; leave the address out",
                          bytes, address);
    return fail_errno(error, "%zu bytes could not be mapped", bytes);
}

int map_file(struct map *ret_map, int fd, size_t size_bytes, bool writable, void *address)
{
    size_t page = page_size();
    size_t body;
    if ((uintptr_t)address % page != 0 || (address != NULL && (uintptr_t)address < 2 * page))
        return fail(-EINVAL, "an address to attach at is a multiple of %zu above %zu; %p is not",
                    page, 2 * page - 1, address);
    if (__builtin_add_overflow(size_bytes, 3 * page - 1, &body))
        return fail(-ENOMEM, "%zu bytes do not fit the address space", size_bytes);
    size_t span_bytes = body / page * page;
    void *span = NULL;
    int r = reserve(&span, span_bytes, address ? (char *)address - page : NULL);
    if (r < 0)
        return explain(r, size_bytes, address);
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *data = mmap((char *)span + page, size_bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0);
    if (data == MAP_FAILED) {
        r = -errno;
        munmap(span, span_bytes);
        return explain(r, size_bytes, address);
    }
    *ret_map = (struct map){
        .data = data, .size_bytes = size_bytes, .span = span, .span_bytes = span_bytes};
    return 0;
}

/* What is to be mapped twice: pages that are mapped already, or, if they are NULL, those of a file from `at` on. */
struct source {
    void *pages;
    int fd;
    size_t at;
    bool writable;
};

static int map_source(void *to, const struct source *source, size_t size_bytes)
{
    int protection = source->writable ? PROT_READ | PROT_WRITE : PROT_READ;
    /* A mapping of no old size is not moved but made once more. */
    void *mapped = source->pages != NULL
                       ? mremap(source->pages, 0, size_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to)
                       : mmap(to, size_bytes, protection, MAP_SHARED | MAP_FIXED, source->fd,
                              (off_t)source->at);
    return mapped == MAP_FAILED ? -errno : 0;
}

static int map_source_twice(struct map *ret_map, const struct source *source, size_t size_bytes)
{
    size_t page = page_size(), span_bytes;
    if (__builtin_mul_overflow(size_bytes, 2, &span_bytes) ||
        __builtin_add_overflow(span_bytes, 2 * page, &span_bytes))
        return fail(-ENOMEM, "%zu bytes do not fit the address space twice", size_bytes);
    void *span = NULL;
    int r = reserve(&span, span_bytes, NULL);
    if (r < 0)
        return explain(r, 2 * size_bytes, NULL);
    char *first = (char *)span + page;
    r = map_source(first, source, size_bytes);
    if (r == 0)
        r = map_source(first + size_bytes, source, size_bytes);
    if (r < 0) {
        munmap(span, span_bytes);
        return explain(r, 2 * size_bytes, NULL);
    }
    *ret_map = (struct map){.data = (unsigned char *)first,
                            .size_bytes = 2 * size_bytes,
                            .span = span,
                            .span_bytes = span_bytes};
    return 0;
}

int map_twice(struct map *ret_map, const struct map *whole, size_t at, size_t size_bytes)
{
    return map_source_twice(ret_map, &(struct source){.pages = whole->data + at}, size_bytes);
}

int map_file_twice(struct map *ret_map, int fd, size_t at, size_t size_bytes, bool writable)
{
    return map_source_twice(ret_map, &(struct source){.fd = fd, .at = at, .writable = writable},
                            size_bytes);
}

void map_release(struct map *map)
{
    if (map->span != NULL)
        munmap(map->span, map->span_bytes);
    *map = (struct map){0};
}

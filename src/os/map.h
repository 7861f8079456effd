/* Mappings of shared memory between guard areas. */
#ifndef FERRY_MAP_H
#define FERRY_MAP_H

#include <stdbool.h>
#include <stddef.h>

/* An address range of which the middle is mapped and both ends fault at once. */
struct map {
    unsigned char *data;
    size_t size_bytes; /* as asked */
    void *span;        /* with the guards */
    size_t span_bytes;
};

/* Maps the first size_bytes of fd, with a guard before and behind; at `address` unless NULL.
 * -EEXIST if something is mapped there already, -EINVAL if it is not page-aligned. */
int map_file(struct map *ret_map, int fd, size_t size_bytes, bool writable, void *address);

/* Maps bytes [at, at + size_bytes) of what `whole` maps, all of it shared memory, twice in a row, so
 * that what runs off the end goes on at the beginning.  Both are multiples of the page size.  Needs no
 * descriptor.  The pages are the same ones, with the same protection. */
int map_twice(struct map *ret_map, const struct map *whole, size_t at, size_t size_bytes);

/* The same of a file; for who is not mapped yet, and for emulators, which need a descriptor. */
int map_file_twice(struct map *ret_map, int fd, size_t at, size_t size_bytes, bool writable);

/* Takes it away; an empty one is allowed. */
void map_release(struct map *map);

#endif

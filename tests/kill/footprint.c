/* Copies of all writable shared mappings, as /proc/PID/maps lists them. */
#include "footprint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { AREA_MOST = 1 << 20 };

static void read_area(const struct footprint *footprint, const struct footprint_area *area,
                      unsigned char *ret_bytes)
{
    struct iovec here = {.iov_base = ret_bytes, .iov_len = area->size_bytes};
    struct iovec there = {.iov_base = (void *)area->start, .iov_len = area->size_bytes};
    ssize_t read = process_vm_readv(footprint->pid, &here, 1, &there, 1, 0);
    size_t done = read > 0 ? (size_t)read : 0;
    memset(ret_bytes + done, 0, area->size_bytes - done); /* beyond the end of the file */
}

static int add_area(struct footprint *footprint, uintptr_t start, uintptr_t end)
{
    struct footprint_area area = {.start = start, .size_bytes = end - start};
    if (area.size_bytes > AREA_MOST)
        area.size_bytes = AREA_MOST;
    area.copy = malloc(area.size_bytes);
    if (!area.copy)
        return -ENOMEM;
    struct footprint_area *areas =
        realloc(footprint->areas, (footprint->count + 1) * sizeof(*areas));
    if (!areas) {
        free(area.copy);
        return -ENOMEM;
    }
    read_area(footprint, &area, area.copy);
    areas[footprint->count++] = area;
    footprint->areas = areas;
    return 0;
}

static int add_areas(struct footprint *footprint)
{
    char path[64], line[512], rights[8];
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)footprint->pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return -errno;
    int r = 0;
    while (r == 0 && fgets(line, sizeof(line), maps)) {
        uintptr_t start, end;
        if (sscanf(line, "%zx-%zx %7s", &start, &end, rights) == 3 && rights[1] == 'w' &&
            rights[3] == 's' && start != footprint->ignored)
            r = add_area(footprint, start, end);
    }
    fclose(maps);
    return r;
}

void footprint_deinit(struct footprint *footprint)
{
    for (size_t i = 0; i < footprint->count; i++)
        free(footprint->areas[i].copy);
    free(footprint->areas);
    free(footprint->scratch);
    *footprint = (struct footprint){0};
}

int footprint_init(struct footprint *ret_footprint, pid_t pid, const void *ignored)
{
    struct footprint footprint = {
        .pid = pid, .ignored = (uintptr_t)ignored, .scratch = malloc(AREA_MOST)};
    int r = footprint.scratch ? add_areas(&footprint) : -ENOMEM;
    if (r < 0) {
        footprint_deinit(&footprint);
        return r;
    }
    *ret_footprint = footprint;
    return 0;
}

int footprint_renew(struct footprint *footprint)
{
    struct footprint renewed;
    int r = footprint_init(&renewed, footprint->pid, (const void *)footprint->ignored);
    if (r < 0)
        return r;
    footprint_deinit(footprint);
    *footprint = renewed;
    return 0;
}

bool footprint_changed(struct footprint *footprint)
{
    bool changed = false;
    for (size_t i = 0; i < footprint->count; i++) {
        struct footprint_area *area = &footprint->areas[i];
        read_area(footprint, area, footprint->scratch);
        if (memcmp(area->copy, footprint->scratch, area->size_bytes) == 0)
            continue;
        memcpy(area->copy, footprint->scratch, area->size_bytes);
        changed = true;
    }
    return changed;
}

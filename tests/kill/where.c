/* Finds the module among those loaded here: a victim is a fork and has the same ones at the same
 * addresses. */
#include "where.h"

#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    uintptr_t address;
    uintptr_t offset; /* in the module's file */
    char module[PATH_MAX];
};

static int search_module(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes;
    struct search *search = context;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type != PT_LOAD || search->address - start >= header->p_memsz)
            continue;
        const char *name = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
        if (!realpath(name, search->module))
            snprintf(search->module, sizeof(search->module), "%s", name);
        search->offset = search->address - info->dlpi_addr;
        return 1;
    }
    return 0;
}

static bool find_module(uintptr_t address, struct search *ret_search)
{
    ret_search->address = address;
    return dl_iterate_phdr(search_module, ret_search) == 1;
}

void where_describe(uintptr_t address, char *ret_text, size_t size_bytes)
{
    struct search search;
    if (!find_module(address, &search)) {
        snprintf(ret_text, size_bytes, "0x%zx", (size_t)address);
        return;
    }
    const char *slash = strrchr(search.module, '/');
    snprintf(ret_text, size_bytes, "%s+0x%zx", slash ? slash + 1 : search.module,
             (size_t)search.offset);
}

void where_look_up(uintptr_t address, char *ret_text, size_t size_bytes)
{
    struct search search;
    char command[PATH_MAX + 64];
    ret_text[0] = '\0';
    if (!find_module(address, &search))
        return;
    snprintf(command, sizeof(command), "addr2line -fpe '%s' 0x%zx 2>/dev/null", search.module,
             (size_t)search.offset);
    FILE *output = popen(command, "re");
    if (!output)
        return;
    if (!fgets(ret_text, (int)size_bytes, output) || ret_text[0] == '?')
        ret_text[0] = '\0';
    ret_text[strcspn(ret_text, "\n")] = '\0';
    pclose(output);
}

/* Where an address is, in words that help to find it. */
#ifndef KILL_WHERE_H
#define KILL_WHERE_H

#include <stddef.h>
#include <stdint.h>

/* Writes "libferry.so.0+0x4a2c".  At once. */
void where_describe(uintptr_t address, char *ret_text, size_t size_bytes);

/* Writes "lock_take at lock.c:88" as addr2line(1) knows it, which may take a second; "" if there is
 * no addr2line, or it does not know. */
void where_look_up(uintptr_t address, char *ret_text, size_t size_bytes);

#endif

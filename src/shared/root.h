/* The root: the directory in which all names live, and how an object's files are called there.
 *
 *   ferry.NAME              the control memory; an object exists if and only if this does
 *   ferry.NAME:data:ID      its data; ID is the control file's inode number, 16 hexadecimal digits
 *   ferry.NAME:bell:ID      its bell, a FIFO
 *
 * Names have no colon (but for key:0x…, whose digits cannot be mistaken), so no two collide. */
#ifndef FERRY_ROOT_H
#define FERRY_ROOT_H

#include <stdint.h>

#include <ferry/base.h>

enum { ROOT_FILE_SIZE = FERRY_NAME_SIZE };

/* "/dev/shm", or $FERRY_ROOT (not heeded in a set-user-ID program). */
const char *root_path(void);

/* The root as a descriptor for openat and its like; -errno with an explanation. */
int root_open(void);

enum root_part { ROOT_CONTROL, ROOT_DATA, ROOT_BELL };

/* Writes the name of one of an object's files.  The id is ignored for ROOT_CONTROL. */
void root_file(char ret_file[ROOT_FILE_SIZE], const char *name, enum root_part part, uint64_t id);

/* The other way round.  1, or 0 if a file of that name is none of Ferry's. */
int root_parse(const char *file, char ret_name[FERRY_NAME_SIZE], enum root_part *ret_part,
               uint64_t *ret_id);

#endif

/* Files in the root: unnamed ones that are linked into place when they are complete, reservation of
 * their memory, and fresh descriptions of files that are open already. */
#ifndef FERRY_FILE_H
#define FERRY_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A FIFO with exactly this mode, whatever the umask, for an object that has no name yet. */
int file_make_fifo(int directory, const char *name, mode_t mode);

/* For CLEANUP: closes *fd unless it is negative, keeps errno. */
void file_close(int *fd);

/* A file without a name in that directory; the umask applies to mode.  -EOPNOTSUPP where the file
 * system has none. */
int file_make_unnamed(int directory, mode_t mode);

/* Gives an unnamed file its name; from then on others can open it.  -EEXIST if the name is taken.
 */
int file_link(int fd, int directory, const char *name);

/* Sets the size and reserves the memory of `count` bytes from `at` on, so that touching them can no
 * longer fail.  Explains what ran out. */
int file_reserve(int fd, uint64_t size_bytes, uint64_t at, uint64_t count);

/* Reserves a piece in the middle of a file that has its size. */
int file_reserve_range(int fd, uint64_t at, uint64_t count);

/* Gives the memory of a piece back: it reads as zeros.  What cannot be given back stays. */
void file_give_back(int fd, uint64_t at, uint64_t count);

/* A second, independent description of an open file: through its name if that still leads to it
 * (directory and name may be -1 and NULL), else through /proc. */
int file_reopen(int fd, int directory, const char *name, int flags);

/* Explains why that failed, or file_link() did; returns what the caller may return.  Where /proc is
 * what is missing, that is -EOPNOTSUPP. */
int file_explain_reopen(int error, const char *what);
int file_explain_link(int error, const char *what);

/* Does the name still lead to this open file?  1, 0, or -errno. */
int file_has_name(int fd, int directory, const char *name);

/* Whole transfers at an offset; a file that ends early is -ENODATA. */
int file_read_at(int fd, void *ret_bytes, size_t count, uint64_t at);
int file_write_at(int fd, const void *bytes, size_t count, uint64_t at);

/* Calls each for every entry of a directory; stops early if it returns non-zero, returns that. */
int file_list(int directory, int (*each)(const char *name, void *context), void *context);

#endif

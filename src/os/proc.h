/* What /proc tells.  Everything works, with less to say, where /proc is not mounted. */
#ifndef FERRY_PROC_H
#define FERRY_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is there a /proc with this process in it? */
bool proc_is_mounted(void);

/* A number that two processes share if and only if they share a pid namespace; 0 if unknown. */
uint64_t proc_pid_namespace(void);

/* Memory in bytes that can be used without swapping, as the kernel reckons. */
uint64_t proc_available_memory(void);

/* Writes the name of what runs under that pid; "" if it cannot be read. */
void proc_command(pid_t pid, char *ret_command, size_t size_bytes);

/* Calls each for every descriptor of every process whose target (as readlink gives it) begins with
 * one of the two prefixes; processes that may not be looked at are passed over.  Stops early if it
 * returns non-zero and returns that. */
int proc_each_descriptor(const char *prefix, const char *other_prefix,
                         int (*each)(pid_t pid, int fd, const char *target, void *context),
                         void *context);

/* Opens another process's descriptor anew; -errno. */
int proc_open_descriptor(pid_t pid, int fd, int flags);

#endif

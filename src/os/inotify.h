/* Hearing that somebody, anybody, closed a file: how the end of an open description is noticed when
 * its process lives on, as it does through exec. */
#ifndef FERRY_INOTIFY_H
#define FERRY_INOTIFY_H

#include <stdbool.h>

/* A descriptor that becomes readable when a description of the same file that was open for writing
 * is closed; -errno (users have few of these: fs.inotify.max_user_instances). */
int inotify_on_close(int fd);

/* Makes it unreadable again, until the next one.  False if the kernel has ended the watch (it does
 * when the name under which the file was opened is gone and nobody has it open by that). */
bool inotify_drain(int watch);

#endif

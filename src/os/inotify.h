/* Hearing that somebody, anybody, closed a file: how the end of an open description is noticed when
 * its process lives on, as it does through exec. */
#ifndef FERRY_INOTIFY_H
#define FERRY_INOTIFY_H

/* A descriptor that becomes readable when a description of the same file that was open for writing
 * is closed; -errno (users have few of these: fs.inotify.max_user_instances). */
int inotify_on_close(int fd);

/* Makes it unreadable again, until the next one. */
void inotify_drain(int watch);

#endif

/* The bell: turns "something changed" into a descriptor that poll() understands (DESIGN, law 7).
 *
 * One for all members of an object: a FIFO beside a named one, made when it is first needed; an
 * eventfd born with an anonymous one.  Ringing is one write.  The bytes are never read for their
 * content, and the bell is never emptied: each listener has a latch of its own (os/epoll.h), which
 * a ring sets and only that listener clears.  So no listener can take another's ring away, and it
 * does not matter which of them dies. */
#ifndef FERRY_BELL_H
#define FERRY_BELL_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include <ferry/base.h>

/* Who may be a member of the object, and so may ring and listen: the control file's rights. */
struct bell_rights {
    uid_t owner;
    gid_t group;
    unsigned mode;
};

struct bell {
    char name[FERRY_NAME_SIZE]; /* of the object; "" if anonymous */
    uint64_t id;                /* of the object */
    struct bell_rights rights;
    int fd;                /* -1 until it is needed */
    pthread_mutex_t guard; /* of fd */
};

/* fd: an anonymous object's eventfd or a bell that was handed over, which this one owns from then
 * on; or -1. */
void bell_init(struct bell *bell, const char *name, uint64_t id, struct bell_rights rights, int fd);
void bell_deinit(struct bell *bell);

/* Makes sure that it can be rung and listened to; 0 or -errno with an explanation. */
int bell_ready(struct bell *bell);

/* Rings.  bell_ready() must have succeeded. */
void bell_ring(struct bell *bell);

/* A new latch that is set by every ring from now on; a descriptor of the caller's, or -errno. */
int bell_latch(struct bell *bell);

#endif

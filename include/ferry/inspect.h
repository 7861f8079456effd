/* Looking at objects and removing them, without becoming a member.
 *
 * Nothing here waits for members, and nothing believes what it reads: liveness, owner and
 * permissions come from the kernel; what members wrote is checked and marked as theirs.
 *
 * Besides names, the functions that look take `held:PID:FD`: the object behind a descriptor of
 * another process, which is how ferry_list() names anonymous and removed objects that somebody still
 * holds.  Those are gone with their last holder and cannot be removed. */
#ifndef FERRY_INSPECT_H
#define FERRY_INSPECT_H

#include <stdbool.h>
#include <sys/types.h>

#include <ferry/base.h>

FERRY_BEGIN

struct ferry_object {
    size_t object_bytes;         /* sizeof(struct ferry_object), set by the caller */
    char name[FERRY_NAME_SIZE];  /* its name, or held:PID:FD: what ferry_look() takes */
    char label[FERRY_NAME_SIZE]; /* the name it was made with; "" if anonymous */
    int kind;                    /* enum ferry_kind; 0 if unknown */
    bool temporary;              /* gone with its last member */
    bool removed;                /* its name is gone, members still hold it */
    bool anonymous;
    bool damaged; /* `damage` says how; then only the fields above and the owner are set */
    char damage[200];
    uid_t owner;
    gid_t group;
    unsigned mode; /* of the data, as chmod(1) counts */
    uint64_t size_bytes;
    uint64_t reserved_bytes; /* memory it takes now, bookkeeping included */
    pid_t creator_pid;
    int64_t created_unix_ms;
    uint32_t attached; /* members alive now, by the kernel's word */
    uint32_t dead;     /* members that died and whose slots have not been reused */
    uint64_t attach_count, detach_count, death_count; /* since creation */
    pid_t last_attach_pid;
    int64_t last_attach_unix_ms; /* 0 if never */
    pid_t last_detach_pid;
    int64_t last_detach_unix_ms;
    uint32_t version;        /* segment: its change notice */
    int64_t changed_unix_ms; /* segment: when that last stepped; 0 if never */
    /* segment, mutex, rwlock: */
    pid_t
        lock_owner_pid; /* who holds the lock; rwlock: for writing, or waits for readers to leave; 0 if nobody */
    bool lock_owner_dead; /* that one is dead; the next taker is told */
    bool unrepaired;      /* an owner died, and nobody has said "repaired" */
    bool
        condemned; /* mutex, rwlock: and somebody has let go of it all the same: nobody gets it any more */
    bool recursive; /* mutex: its owner may take it again */
    bool inherits;  /* mutex: its owner has the priority of who waits */
    uint32_t
        lock_thread; /* which of its owner's threads: a number that compares with ferry_member.thread */
    /* times taken (rwlock: for writing), and times that meant to sleep for it */
    uint64_t lock_count, wait_count;
    uint64_t reader_count;              /* rwlock: how often it is held for reading */
    uint64_t depth_bytes;               /* pipe, queue: in it now; size_bytes is its capacity */
    uint64_t written_bytes, read_bytes; /* pipe: since creation */
    uint64_t write_count, read_count;   /* pipe: in portions of up to 16 KiB */
    bool keeps_records;                 /* pipe: what is written at once is read at once */
    /* queue: as in struct ferry_queue_statistics */
    uint64_t capacity_messages, capacity_bytes, largest_bytes;
    unsigned overflow, queue_flags; /* enum ferry_overflow; FERRY_TYPES … */
    uint64_t depth_messages, most_messages, most_bytes;
    uint64_t sent_count, received_count;
    uint64_t dropped_oldest, dropped_newest, refused_count;
    /* … for how long its oldest message has waited; -1: there is none, or its bytes are not for you to see */
    int64_t oldest_age_ns;
    char mutex_name
        [FERRY_NAME_SIZE];      /* condition: that of the mutex it belongs to; "" if anonymous */
    uint32_t value, most_value; /* semaphore: its units now, and how many it may have */
    uint32_t sleeper_count;     /* semaphore, condition: members asleep for one, or for it */
    uint32_t set_count;         /* semaphore: how many are a set; 0: it is one by itself */
    uint32_t set_values[256];   /* … the units of each */
    uint32_t barrier_count;     /* barrier: so many make a round complete, … */
    uint32_t arrived_count;     /* … and so many have come to this one, … */
    uint32_t round;             /* … which has this number, from 0 on; … */
    uint32_t broken_count;      /* … and so many of those before it were broken by deaths */
};

struct ferry_member {
    uint32_t slot;
    pid_t pid; /* as the member itself knows it (its own pid namespace) */
    bool alive;
    bool same_pid_namespace; /* pid means something here */
    unsigned role;           /* FERRY_READ | FERRY_WRITE; 0: it looks on at a pipe or a queue */
    int64_t joined_unix_ms;
    /* asleep until the object changes, has bytes, messages or room, or a round ends; or polling for that */
    bool waiting;
    bool opening; /* pipe: it waits for somebody to open the other end */
    /* the lock of a segment, a mutex, an rwlock (for writing, though readers may be in still); pipe: it has room or bytes open */
    bool holds_lock;
    uint32_t read_holds; /* rwlock: so often it holds it for reading */
    bool
        wants_lock; /* segment, mutex, rwlock: it waits for the lock, or, with holds_lock, for readers to leave … */
    uint32_t thread;   /* … with this thread; of several, with the last one that came */
    bool for_children; /* mutex, rwlock: while it has it, it waits for its children */
    /* queue: which messages it is asleep for, enum ferry_selection, and of which type.  FERRY_ANY, too, if its threads are for
     * different ones, or if it is not asleep for messages */
    unsigned selection;
    uint64_t type;
    char command[64]; /* what runs under that pid; "" if it cannot be read */
};

/* Calls each for every object in the root, and for every anonymous or removed one held by a process
 * that may be looked at; stops early if it returns non-zero and returns that.  Order: by name. */
FERRY_API int ferry_list(int (*each)(const struct ferry_object *object, void *context),
                         void *context);

/* Looks at one object.  -ENOENT, -EACCES, -EINVAL (bad name); a damaged object is a success with
 * `damaged` set. */
FERRY_API int ferry_look(const char *name, struct ferry_object *ret_object);

/* Its members, alive and dead, by slot; fills at most capacity and returns how many there are. */
FERRY_API int ferry_look_members(const char *name, struct ferry_member *ret_members,
                                 size_t capacity);

/* One field of an object's control memory as it is now. */
struct ferry_field {
    uint64_t offset;
    uint32_t width_bytes; /* 1 to 8, or more for a run of bytes */
    const char *group;    /* the part of the layout it belongs to */
    const char *name;
    const char *meaning; /* who writes it, and what it says */
    uint64_t value;      /* its first eight bytes at most */
};

/* Calls each for every field in the order of offsets; same early stop as ferry_list(). */
FERRY_API int ferry_look_raw(const char *name,
                             int (*each)(const struct ferry_field *field, void *context),
                             void *context);

/* Removes a name: new opens fail at once, members go on until they leave, the memory is freed when
 * the last is gone.  Also removes what goes by a valid name but is damaged, unless it is a directory.
 * Waits up to a second for another remover, then -EBUSY (that one is stopped).
 * -ENOENT, -EPERM or -EACCES (not the owner).
 * Removing an object that is being removed is 0 or -ENOENT. */
FERRY_API int ferry_remove(const char *name);

/* Strikes off the members of an object that died, as whoever joins it does in passing for the slot that it takes: returns how many.
 * Joins it for a moment.  Fails as opening it does, and with -EOPNOTSUPP if it has no name any more, or never had one. */
FERRY_API int ferry_reap(const char *name);

/* Cleans up what killed processes left in the root: temporary objects without members, half-made
 * and half-removed ones.  Done in passing by create, list and remove.  Returns how many. */
FERRY_API int ferry_sweep(void);

FERRY_END

#endif

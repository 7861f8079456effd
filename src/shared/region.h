/* Regions: an object's files, its mappings, and a private copy of what must not change under us.
 *
 * A region is made complete and then linked into the root, or found there and checked.  Everything
 * that bounds an access (sizes, kind) is kept here, in private memory, and never read back. */
#ifndef FERRY_REGION_H
#define FERRY_REGION_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <ferry/base.h>

#include "os/map.h"
#include "shared/slots.h"

/* What the caller of an open wants. */
struct region_request {
    const char *name; /* NULL: anonymous */
    enum ferry_kind kind;
    unsigned flags; /* FERRY_… */
    unsigned mode;
    uint64_t size_bytes;  /* of the data, to make */
    uint64_t least_bytes; /* that an object which is there has to have */
    uint32_t exponent;    /* pipes: of the first ring's size, see layout.h; else 0 */
    uint64_t
        index_bytes; /* queues with a store, to make: what lies behind the members, see layout.h */
    uint64_t first_index_bytes; /* … of which so much has memory from the start; 0: all */
    uint64_t first_bytes;       /* to make: so much of the data has memory from the start; 0: all */
    /* Writes what the kind needs into the control file of a new object; may be NULL. */
    int (*begin)(int control_fd, const struct region_request *request);
    const void *context;
    bool keeps_records; /* pipes, to make */
    void *address;
    const uid_t *trusted_owners;
    size_t trusted_owner_count;
};

struct region {
    char name[FERRY_NAME_SIZE];      /* "" if anonymous */
    struct layout_identity identity; /* a private copy */
    uint64_t id;                     /* the control file's inode number: in its parts' names */
    bool temporary;                  /* its sticky bit */
    uint64_t data_inode;             /* the data file's inode number */
    unsigned mode;                   /* of the data */
    unsigned role;                   /* FERRY_READ | FERRY_WRITE: what this mapping allows */
    struct map control_map;
    struct map data;
    int lock_fd;             /* carries the member's byte lock; shared with its slots */
    int bell_fd;             /* -1: a pipe, whose FIFO has ends */
    int read_end, write_end; /* of a pipe's FIFO, as the role allows; else -1 */
    int data_fd;             /* anonymous: kept to be handed on; else -1 */
};

/* The roles in a set of flags: neither READ nor WRITE means both. */
unsigned region_role(unsigned flags);

/* Makes a new object with its creator as first member and, if it is named, links it: it appears
 * whole.  -EEXIST if the name is taken.  On success *ret_slots is the creator's membership. */
int region_make(struct region *ret_region, struct slots *ret_slots,
                const struct region_request *request);

/* Opens what goes by request->name, without becoming a member.  -ENOENT. */
int region_find(struct region *ret_region, const struct region_request *request);

/* For those who make and find: an empty region, and the mapping of both files into it.  control_fd
 * must be a description of its own, see os/ofd.h.  -EADDRINUSE if something is mapped at the
 * address (-EEXIST is the name's alone). */
void region_init(struct region *region, const char *name);
int region_map(struct region *region, int control_fd, int data_fd, void *address);

/* Unmaps and closes what is left.  Half-made ones are fine. */
void region_release(struct region *region);

static inline struct layout *region_control(const struct region *region)
{
    return (struct layout *)(void *)region->control_map.data;
}

/* How long the control file is. */
static inline uint64_t region_control_bytes(const struct layout_identity *identity)
{
    return sizeof(struct layout) + identity->index_bytes;
}

/* Has its FIFO ends, for writers and readers, or is it a bell? */
static inline bool region_has_ends(const struct region *region)
{
    return region->identity.kind == FERRY_KIND_PIPE;
}

/* A fresh description of the control file, for another member's lock. */
int region_reopen_control(const struct region *region, int lock_fd);

/* A fresh description of the data, for somebody with that role. */
int region_reopen_data(const struct region *region, unsigned role);

/* Maps bytes [at, at + size_bytes) of the data twice in a row, as map_twice(). */
int region_map_twice(const struct region *region, struct map *ret_map, size_t at,
                     size_t size_bytes);

/* A region's descriptors as they are handed to another process, -1 where there is none: a pipe's FIFO
 * has an end or two, other kinds have a bell. */
enum region_part {
    REGION_LOCK,
    REGION_CONTROL,
    REGION_DATA,
    REGION_BELL,
    REGION_END = REGION_BELL,
    REGION_OTHER_END,
    REGION_PARTS
};

/* Descriptions for another process with that role; all but the first, which carries its lock.  They are
 * the caller's. */
int region_lend(const struct region *region, unsigned role, int ret_parts[REGION_PARTS]);

/* Wraps what came from another process, and nothing of it is believed.  Owns it in any case. */
int region_adopt(struct region *ret_region, const char *name, int parts[REGION_PARTS]);

/* Unlinks the files that belong to a control file which has no name any more, or never had one; the
 * caller has it open, so that nobody else can have its inode's number. */
void region_unlink_parts(int root, const char *name, uint64_t id);

/* Opens an end of a named pipe's FIFO.  Never waits.  -ENXIO: a write end, and nobody reads. */
int region_open_end(struct region *region, bool write_end);

/* Is the caller allowed to read from the named pipe?  0, or -EACCES.  (Its data it sees in any case.) */
int region_check_reader(const struct region *region);

/* Another description of the end that this handle does not have, for a moment.  -EACCES … */
int region_open_other_end(const struct region *region);

/* The modes of an object's files, from the object's own.  Whoever may use it may be a member; who may
 * write to a pipe has to see its ring. */
unsigned region_control_mode(enum ferry_kind kind, unsigned mode);
unsigned region_data_mode(enum ferry_kind kind, unsigned mode);

/* Reads and checks the identity of an open control file with this status; the file must be regular
 * and of the right size.  -EPROTO, -EBADMSG. */
int region_read_identity(int fd, const struct stat *status, struct layout_identity *ret_identity);

#endif

/* The identity's seal, and the layout as a table for people.
 *
 * The checksum finds damage, not malice: whoever may write the control memory may forge it, which
 * is why everything in the identity is checked against the files as well. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <ferry/base.h>

#include "base/error.h"
#include "shared/layout.h"

static const uint8_t MAGIC[8] = {'F', 'E', 'R', 'R', 'Y', '\r', '\n', 0x1A};

/* FNV-1a, 64 bits, over everything before the checksum. */
static uint64_t checksum(const struct layout_identity *identity)
{
    const uint8_t *bytes = (const uint8_t *)identity;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < offsetof(struct layout_identity, checksum); i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

void layout_seal(struct layout_identity *identity)
{
    memcpy(identity->magic, MAGIC, sizeof(MAGIC));
    identity->version = LAYOUT_VERSION;
    identity->features = LAYOUT_FEATURES;
    identity->checksum = checksum(identity);
}

/* Of a kind that has none the data file is empty, and there for its permissions alone. */
static bool has_data(uint32_t kind)
{
    return kind < FERRY_KIND_SEMAPHORE;
}

int layout_check(const struct layout_identity *identity)
{
    if (memcmp(identity->magic, MAGIC, sizeof(MAGIC)) != 0)
        return fail(-EBADMSG, "the file is not Ferry's (no magic number); move it out of the root");
    if (identity->version != LAYOUT_VERSION)
        return fail(-EPROTO,
                    "the object has layout version %u, this library knows version %u; "
                    "use the library it was made with, or remove it and make it anew",
                    identity->version, LAYOUT_VERSION);
    if ((identity->features & ~LAYOUT_FEATURES) != 0)
        return fail(-EPROTO,
                    "the object uses features 0x%x that this library does not know; use "
                    "a newer library",
                    identity->features & ~LAYOUT_FEATURES);
    if (identity->checksum != checksum(identity) || (identity->flags & ~LAYOUT_FLAGS) != 0 ||
        (identity->size_bytes > 0) != has_data(identity->kind) || identity->size_bytes > INT64_MAX)
        return fail(-EBADMSG, "the object's identity is damaged; remove it and make it anew");
    return 0;
}

#define FIELD(group, member, name, meaning)                                                        \
    {                                                                                              \
        offsetof(struct layout, member), sizeof(((struct layout *)0)->member), group, name,        \
            meaning                                                                                \
    }

#define SIDE_FIELDS(side)                                                                          \
    FIELD(#side, stream.side.position, "position", "bytes since it was made"),                     \
        FIELD(#side, stream.side.lock.word, "lock",                                                \
              "inner lock: owner's tag, top bit: somebody waits"),                                 \
        FIELD(#side, stream.side.turn.word, "turn", "whose turn it is to sleep"),                  \
        FIELD(#side, stream.side.full, "full", "in: it was found full"),                           \
        FIELD(#side, stream.side.told, "told", "in: the position that sleepers know of"),          \
        FIELD(#side, stream.side.claimed, "claimed", "in: how far somebody may be writing"),       \
        FIELD(#side, stream.side.calls, "calls", "how many moved it"),                             \
        FIELD(#side, stream.side.sleeps, "sleeps", "how often somebody slept for it")

/* What pipes have besides. */
static const struct layout_field stream_fields[] = {
    SIDE_FIELDS(in),
    SIDE_FIELDS(out),
    FIELD("shape", stream.shape.exponent, "exponent", "the ring has 2^exponent bytes"),
    FIELD("shape", stream.shape.departures, "departures", "ends that were closed"),
    FIELD("shape", stream.shape.arrivals, "arrivals", "write ends that were opened"),
    FIELD("shape", stream.shape.rung, "rung", "all ones: a token is in the FIFO"),
    FIELD("shape", stream.shape.stuffed, "stuffed", "all ones: the FIFO is full"),
    FIELD("shape", stream.shape.polled, "polled", "1: readers poll, or did"),
    FIELD("shape", stream.shape.tapped, "tapped", "tag of one who looks on"),
    FIELD("shape", stream.shape.resizes, "resizes", "how often it got another ring"),
    FIELD("shape", stream.shape.kept_from, "kept from", "the position at the last resizing"),
    FIELD("readers", stream.readers, "bits", "members that sleep or poll for bytes"),
    FIELD("writers", stream.writers, "bits", "members that sleep or poll for room"),
};

#define QUEUE_SIDE_FIELDS(side)                                                                    \
    FIELD(#side, queue.side.lock.word, "lock",                                                     \
          "inner lock: owner's tag; top bits: how it is held"),                                    \
        FIELD(#side, queue.side.sequence, "sequence", "what the other side sleeps on"),            \
        FIELD(#side, queue.side.places, "places", "where the next message is; of two one counts"), \
        FIELD(#side, queue.side.lonely, "lonely", "tag of one who sleeps alone"),                  \
        FIELD(#side, queue.side.claimed, "claimed", "how far somebody may be writing"),            \
        FIELD(#side, queue.side.backed, "backed", "how far there is memory, or is none any more"), \
        FIELD(#side, queue.side.numbers, "numbers", "of the messages at the places"),              \
        FIELD(#side, queue.side.messages, "messages", "that went through"),                        \
        FIELD(#side, queue.side.bytes, "bytes", "of these"),                                       \
        FIELD(#side, queue.side.dropped, "dropped", "in: newest ones; out: oldest ones"),          \
        FIELD(#side, queue.side.refused, "refused", "in: for want of room"),                       \
        FIELD(#side, queue.side.most_messages, "most messages", "in: that were there at a time"),  \
        FIELD(#side, queue.side.most_bytes, "most bytes", "in: that were there at a time"),        \
        FIELD(#side, queue.side.sleeps, "sleeps", "how often somebody slept for it"),              \
        FIELD(#side, queue.side.withdrawn, "withdrawn", "out: that nobody came for")

/* What queues have besides. */
static const struct layout_field queue_fields[] = {
    FIELD("shape", queue.shape.engine, "engine", "1 ring, 2 store"),
    FIELD("shape", queue.shape.flags, "flags", "types, priorities, rendezvous, unbounded"),
    FIELD("shape", queue.shape.overflow, "overflow", "0 block, 1 refuse, 2 oldest, 3 newest"),
    FIELD("shape", queue.shape.messages, "messages", "so many fit"),
    FIELD("shape", queue.shape.bytes, "bytes", "so many of messages fit"),
    FIELD("shape", queue.shape.largest, "largest", "so many a message may have"),
    FIELD("shape", queue.shape.removals, "removals", "how often a removal began"),
    FIELD("shape", queue.shape.tapped, "tapped", "tag of one who looks on"),
    QUEUE_SIDE_FIELDS(in),
    QUEUE_SIDE_FIELDS(out),
    FIELD("receivers", queue.receivers, "bits", "members that sleep for messages"),
    FIELD("senders", queue.senders, "bits", "members that sleep for room"),
    FIELD("room", queue.room, "bits", "members that poll for room"),
};

/* What semaphores have besides. */
static const struct layout_field semaphore_fields[] = {
    FIELD("semaphore", semaphore.most, "most", "units that it was made for"),
    FIELD("semaphore", semaphore.count, "count", "of a set; 0: a single one"),
    FIELD("semaphore", semaphore.word, "word",
          "bit 0 somebody sleeps; units; bit 30 polled; bit 31 turn"),
    FIELD("semaphore", semaphore.lock.word, "lock", "of who posts beside sleepers: its tag"),
    FIELD("semaphore", semaphore.lonely, "lonely", "tag of one who sleeps alone"),
    FIELD("semaphore", semaphore.sleeps, "sleeps", "how often somebody meant to sleep for it"),
};

#define GATE_FIELDS                                                                                \
    FIELD("gate", gate.flags, "flags", "how it was made: 0x40000 recursive, 0x100000 inherits"),   \
        FIELD("gate", gate.count, "count", "how many it was made for"),                            \
        FIELD("gate", gate.done, "done", "1: what is to be done once has been"),                   \
        FIELD("waiters", gate.waiters, "bits", "members that wait for it")

/* What mutexes have besides. */
static const struct layout_field mutex_fields[] = {
    GATE_FIELDS,
    FIELD("inherit", gate.inherit.word, "word", "of one that lends priorities: the kernel's"),
    FIELD("inherit", gate.inherit.state, "state", "1 unrepaired, 2 given up"),
    FIELD("inherit", gate.inherit.owner, "owner", "its thread's number, and its tag"),
    FIELD("inherit", gate.inherit.namespace, "namespace", "the pid namespace of all members"),
};

/* What conditions have besides. */
static const struct layout_field condition_fields[] = {
    GATE_FIELDS,
    FIELD("condition", gate.condition.sequence, "sequence", "steps with each telling"),
    FIELD("condition", gate.condition.sentry, "sentry", "tag of who listens for deaths"),
    FIELD("condition", gate.condition.waits, "waits", "how often somebody waited"),
    FIELD("condition", gate.condition.mutex, "mutex", "ID of the mutex that it belongs to"),
    FIELD("condition", gate.condition.mutex_name, "mutex's name", "at creation, for people"),
};

/* What reader-writer locks have besides. */
static const struct layout_field rwlock_fields[] = {
    FIELD("gate", gate.flags, "flags", "how it was made"),
    FIELD("rwlock", gate.rwlock.door, "door",
          "0 open; tag of who writes; bit 30 unrepaired; bit 31 readers are in still"),
    FIELD("rwlock", gate.rwlock.closings, "closings", "how often the door was closed"),
    FIELD("rwlock", gate.rwlock.drain, "drain", "steps when the last reader of a process leaves"),
    FIELD("rwlock", gate.rwlock.door_sentry, "door sentry", "of those who wait for the door"),
    FIELD("rwlock", gate.rwlock.drain_sentry, "drain sentry", "a writer that waits for readers"),
    FIELD("waiters", gate.waiters, "bits", "members that wait for their turn to write"),
    FIELD("readers", gate.readers, "bits", "members that wait for the door"),
};

/* What barriers have besides. */
static const struct layout_field barrier_fields[] = {
    FIELD("gate", gate.count, "count", "how many it was made for"),
    FIELD("barrier", gate.barrier.rounds, "rounds",
          "lower half: this one; upper: how many were broken"),
    FIELD("barrier", gate.barrier.arrived, "arrived", "so many have come to it"),
    FIELD("barrier", gate.barrier.count, "count", "so many make it complete; 0: as it was made"),
    FIELD("barrier", gate.barrier.told, "told", "so many deaths were told of"),
    FIELD("barrier", gate.barrier.waits, "waits", "how often somebody meant to sleep at it"),
    FIELD("barrier", gate.barrier.sentry, "sentry", "tag of who hears deaths for all who wait"),
    FIELD("barrier", gate.barrier.broken, "broken", "the last rounds that were broken"),
    FIELD("waiters", gate.waiters, "bits", "members that sleep at it"),
};

/* What segments have besides. */
static const struct layout_field segment_fields[] = {
    FIELD("waiters", gate.waiters, "bits", "members that wait for the lock"),
};

/* What a kind has besides. */
static size_t own_fields(uint32_t kind, const struct layout_field **ret_fields)
{
#define OWN(fields) (*ret_fields = (fields), sizeof(fields) / sizeof((fields)[0]))
    switch (kind) {
    case FERRY_KIND_SEGMENT:
        return OWN(segment_fields);
    case FERRY_KIND_PIPE:
        return OWN(stream_fields);
    case FERRY_KIND_QUEUE:
        return OWN(queue_fields);
    case FERRY_KIND_SEMAPHORE:
        return OWN(semaphore_fields);
    case FERRY_KIND_MUTEX:
        return OWN(mutex_fields);
    case FERRY_KIND_CONDITION:
        return OWN(condition_fields);
    case FERRY_KIND_RWLOCK:
        return OWN(rwlock_fields);
    case FERRY_KIND_BARRIER:
        return OWN(barrier_fields);
    default:
        return 0;
    }
#undef OWN
}

const struct layout_field *layout_field(uint32_t kind, size_t index)
{
    static const struct layout_field fields[] = {
        FIELD("identity", identity.magic, "magic", "FERRY and a line end: this is Ferry's"),
        FIELD("identity", identity.version, "version", "of the layout"),
        FIELD("identity", identity.kind, "kind",
              "1 segment, 2 pipe, 3 queue, 4 semaphore, 5 mutex, 6 rwlock, 7 condition, 8 barrier"),
        FIELD("identity", identity.features, "features", "bits an opener must know"),
        FIELD("identity", identity.flags, "flags", "1 anonymous, 2 keeps records"),
        FIELD("identity", identity.size_bytes, "size", "of the data, in bytes"),
        FIELD("identity", identity.created, "created", "stamp: when and by whom"),
        FIELD("identity", identity.index_bytes, "index", "behind the members, in bytes"),
        FIELD("identity", identity.mode, "mode", "permissions of the data at creation"),
        FIELD("identity", identity.checksum, "checksum", "of the bytes before it"),
        FIELD("ledger", ledger.attaches, "attaches", "members that ever came"),
        FIELD("ledger", ledger.detaches, "detaches", "members that left"),
        FIELD("ledger", ledger.deaths, "deaths", "members found dead"),
        FIELD("ledger", ledger.last_attach, "last attach", "stamp"),
        FIELD("ledger", ledger.last_detach, "last detach", "stamp"),
        FIELD("ledger", ledger.high, "high", "entries from here on were never used"),
        FIELD("lock", lock.word, "word", "inner lock: owner's tag, top bit: somebody waits"),
        FIELD("journal", journal.commit, "commit", "records to apply; 0 at rest"),
        FIELD("journal", journal.records, "records", "pairs of offset and value"),
        FIELD("sleepers", sleepers, "bits", "members asleep until the version steps"),
        FIELD("listeners", listeners, "bits", "members to ring the bell for"),
        FIELD("mutex", mutex.word, "word", "owner's tag; bit 30 unrepaired; bit 31 waiting"),
        FIELD("mutex", mutex.thread, "thread", "of its owner's"),
        FIELD("mutex", mutex.taken, "taken", "how often"),
        FIELD("mutex", mutex.waits, "waits", "how often somebody meant to sleep for it"),
        FIELD("mutex", mutex.sentry, "sentry", "tag of who watches the owner for all who wait"),
        FIELD("notice", notice.version, "version", "steps with every notice"),
        FIELD("notice", notice.changed, "changed", "stamp of the last notice"),
        FIELD("label", label, "name", "at creation, for people"),
    };
    const size_t common = sizeof(fields) / sizeof(fields[0]);
    const struct layout_field *own = NULL;
    const size_t more = own_fields(kind, &own);
    if (index < common)
        return &fields[index];
    return index - common < more ? &own[index - common] : NULL;
}

#define ENTRY_FIELD(member, meaning)                                                               \
    {                                                                                              \
        offsetof(struct layout_entry, member), sizeof(((struct layout_entry *)0)->member),         \
            "member", #member, meaning                                                             \
    }

const struct layout_field *layout_entry_field(size_t index)
{
    static const struct layout_field fields[] = {
        ENTRY_FIELD(joined, "stamp; 0: the slot is free"),
        ENTRY_FIELD(namespace, "the pid namespace in which its pid holds"),
        ENTRY_FIELD(generation, "how often the slot was taken"),
        ENTRY_FIELD(role, "8 reads, 16 writes; 256: has its end"),
        ENTRY_FIELD(mark, "its threads in the middle of a notice"),
        ENTRY_FIELD(wake, "what it sleeps on, in a queue with a store"),
        ENTRY_FIELD(wants, "for a message of that selection"),
        ENTRY_FIELD(sleeping, "so many of its threads"),
        ENTRY_FIELD(type, "and that type"),
        ENTRY_FIELD(thread, "which of its threads waits, at a lock"),
        ENTRY_FIELD(holds, "so many of its threads read"),
        ENTRY_FIELD(since, "the closing of the door that its readers wait since"),
    };
    return index < sizeof(fields) / sizeof(fields[0]) ? &fields[index] : NULL;
}

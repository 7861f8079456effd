/* Boost: what Boost.Interprocess has for processes to wait, exclude each other, send messages and
 * share memory; and Boost.Lockfree's ring, which is at home in shared memory, too.  None of them
 * notices that the other process has died. */
#include <exception>
#include <new>
#include <optional>
#include <string>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_semaphore.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include "bench/crowds.h"
#include "bench/kinds.h"
#include "bench/locks.h"
#include "bench/objects.h"

namespace bip = boost::interprocess;

namespace
{

/* What Boost throws ends the process with the reason; `before` makes up for what was begun. */
template <typename Deed>
void expect(bench_lap *lap, const char *what, Deed deed, void (*before)(bench_lap *) = nullptr)
{
    try {
        deed();
    } catch (const std::exception &error) {
        if (before)
            before(lap);
        bench_fail(lap, "%s: %s", what, error.what());
    }
}

/* ---- message_queue ----------------------------------------------------------------------------------- */

/* One queue to each process. */
struct queues {
    bip::message_queue to_near, to_far;
};

std::string queue_name(const bench_lap *lap, bench_role role)
{
    return std::string(lap->name) + (role == BENCH_NEAR ? "-near" : "-far");
}

void queue_unmake(bench_lap *lap)
{
    bip::message_queue::remove(queue_name(lap, BENCH_NEAR).c_str());
    bip::message_queue::remove(queue_name(lap, BENCH_FAR).c_str());
}

/* As many messages as come to about a MiB, and never just one. */
size_t queue_length(const bench_lap *lap)
{
    size_t fit = (1 << 20) / (lap->size_bytes + 64);
    return fit < 4 ? 4 : fit > 1024 ? 1024 : fit;
}

void queue_make(bench_lap *lap)
{
    auto make = [lap](bench_role role) {
        bip::message_queue queue(bip::create_only, queue_name(lap, role).c_str(), queue_length(lap),
                                 lap->size_bytes);
    };
    expect(
        lap, "message_queue", [&] { make(BENCH_NEAR), make(BENCH_FAR); }, queue_unmake);
}

void queue_join(bench_lap *lap)
{
    expect(lap, "message_queue", [lap] {
        lap->own = new queues{{bip::open_only, queue_name(lap, BENCH_NEAR).c_str()},
                              {bip::open_only, queue_name(lap, BENCH_FAR).c_str()}};
    });
}

void queue_leave(bench_lap *lap)
{
    delete static_cast<queues *>(lap->own);
}

BENCH_INLINE bip::message_queue &queue_to(const bench_lap *lap, bench_role role)
{
    queues *both = static_cast<queues *>(lap->own);
    return role == BENCH_NEAR ? both->to_near : both->to_far;
}

BENCH_INLINE void queue_send_as(bench_lap *lap, unsigned kind)
{
    bip::message_queue &queue = queue_to(lap, bench_other(lap));
    if (lap->waiting != BENCH_SPIN)
        queue.send(lap->buffer, lap->size_bytes, kind);
    else
        while (!queue.try_send(lap->buffer, lap->size_bytes, kind))
            bench_relax();
}

BENCH_INLINE unsigned char *queue_receive_first(bench_lap *lap, unsigned *ret_kind)
{
    bip::message_queue &queue = queue_to(lap, lap->role);
    bip::message_queue::size_type size;
    if (lap->waiting != BENCH_SPIN)
        queue.receive(lap->buffer, lap->size_bytes, size, *ret_kind);
    else
        while (!queue.try_receive(lap->buffer, lap->size_bytes, size, *ret_kind))
            bench_relax();
    if (size != lap->size_bytes)
        bench_fail(lap, "a message of %zu bytes came", size);
    return lap->buffer;
}

BENCH_INLINE void queue_send(bench_lap *lap)
{
    queue_send_as(lap, 0);
}

BENCH_INLINE unsigned char *queue_receive(bench_lap *lap)
{
    unsigned kind;
    return queue_receive_first(lap, &kind);
}

BENCH_MESSAGE_LOOPS(queue)
BENCH_WRITER_LOOPS(queue)
BENCH_CROWD_LOOPS(queue)
BENCH_PRIORITY_LOOPS(queue)

const bench_side message_queue = {
    .name = "Boost message_queue",
    .how = "one queue for each direction, 1 MiB or 1024 messages; spinning is try_receive",
    .family = BENCH_PEER,
    .waits = BENCH_SPIN | BENCH_BLOCK,
    .most_bytes = 1 << 20,
    .make = queue_make,
    .join = queue_join,
    .leave = queue_leave,
    .unmake = queue_unmake,
    BENCH_MESSAGES(queue),
    BENCH_WRITERS(queue),
    BENCH_CROWDS(queue),
    BENCH_PRIORITIES(queue),
};

/* ---- spsc_queue -------------------------------------------------------------------------------------- */

/* Small messages are elements of a ring; larger ones go through a ring of bytes, piece by piece. */
struct record {
    unsigned char bytes[64];
};

struct rings {
    boost::lockfree::spsc_queue<record, boost::lockfree::capacity<1024>> records;
    boost::lockfree::spsc_queue<unsigned char, boost::lockfree::capacity<(1 << 20) - 1>> bytes;
};

BENCH_INLINE rings &rings_to(const bench_lap *lap, bench_role role)
{
    return static_cast<rings *>(lap->shared)[role];
}

void ring_make(bench_lap *lap)
{
    for (int role = 0; role < 2; role++)
        new (static_cast<rings *>(lap->shared) + role) rings;
}

BENCH_INLINE void ring_send(bench_lap *lap)
{
    rings &to = rings_to(lap, bench_other(lap));
    if (lap->size_bytes <= sizeof(record)) {
        record message;
        memcpy(message.bytes, lap->buffer, sizeof(message.bytes));
        while (!to.records.push(message))
            bench_relax();
        return;
    }
    for (size_t sent = 0; sent < lap->size_bytes;) {
        size_t n = to.bytes.push(lap->buffer + sent, lap->size_bytes - sent);
        if (n == 0)
            bench_relax();
        sent += n;
    }
}

BENCH_INLINE unsigned char *ring_receive(bench_lap *lap)
{
    rings &from = rings_to(lap, lap->role);
    if (lap->size_bytes <= sizeof(record)) {
        record message;
        while (!from.records.pop(message))
            bench_relax();
        memcpy(lap->buffer, message.bytes, sizeof(message.bytes));
        return lap->buffer;
    }
    for (size_t got = 0; got < lap->size_bytes;) {
        size_t n = from.bytes.pop(lap->buffer + got, lap->size_bytes - got);
        if (n == 0)
            bench_relax();
        got += n;
    }
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(ring)

const bench_side spsc_queue = {
    .name = "Boost spsc_queue",
    .how =
        "boost::lockfree in shared memory, 1024 elements of 64 bytes; above that a ring of bytes "
        "of 1 MiB; it only spins",
    .family = BENCH_PEER,
    .waits = BENCH_SPIN,
    .least_bytes = 8,
    .most_bytes = BENCH_ANY,
    .make = ring_make,
    BENCH_MESSAGES(ring),
};

/* ---- Condition --------------------------------------------------------------------------------------- */

struct word {
    bip::interprocess_mutex mutex;
    bip::interprocess_condition condition;
    bool full = false;
};

BENCH_INLINE word &word_to(const bench_lap *lap, bench_role role)
{
    return static_cast<word *>(lap->shared)[role];
}

void condition_make(bench_lap *lap)
{
    expect(lap, "interprocess_condition", [lap] {
        for (int role = 0; role < 2; role++)
            new (static_cast<word *>(lap->shared) + role) word;
    });
}

BENCH_INLINE void condition_send(bench_lap *lap)
{
    word &to = word_to(lap, bench_other(lap));
    {
        bip::scoped_lock<bip::interprocess_mutex> lock(to.mutex);
        to.full = true;
    }
    to.condition.notify_one();
}

BENCH_INLINE unsigned char *condition_receive(bench_lap *lap)
{
    word &from = word_to(lap, lap->role);
    bip::scoped_lock<bip::interprocess_mutex> lock(from.mutex);
    while (!from.full)
        from.condition.wait(lock);
    from.full = false;
    return lap->buffer;
}

BENCH_MESSAGE_LOOPS(condition)

const bench_side condition = {
    .name = "Boost condition",
    .how = "interprocess_condition with its interprocess_mutex, told after the mutex is let go",
    .family = BENCH_PEER,
    .waits = BENCH_BLOCK,
    .make = condition_make,
    BENCH_SIGNALS(condition),
};

/* ---- Semaphore --------------------------------------------------------------------------------------- */

/* To near, to far, and the one that excludes. */
BENCH_INLINE bip::interprocess_semaphore &semaphore(const bench_lap *lap, int which)
{
    return static_cast<bip::interprocess_semaphore *>(lap->shared)[which];
}

void semaphore_make(bench_lap *lap)
{
    expect(lap, "interprocess_semaphore", [lap] {
        for (int which = 0; which < 3; which++)
            new (&semaphore(lap, which)) bip::interprocess_semaphore(which == 2 ? 1 : 0);
    });
}

BENCH_INLINE void semaphore_send(bench_lap *lap)
{
    semaphore(lap, bench_other(lap)).post();
}

BENCH_INLINE unsigned char *semaphore_receive(bench_lap *lap)
{
    semaphore(lap, lap->role).wait();
    return lap->buffer;
}

BENCH_INLINE void semaphore_lock(bench_lap *lap)
{
    semaphore(lap, 2).wait();
}

BENCH_INLINE void semaphore_unlock(bench_lap *lap)
{
    semaphore(lap, 2).post();
}

BENCH_MESSAGE_LOOPS(semaphore)
BENCH_LOCK_LOOPS(semaphore)

const bench_side semaphore_side = {
    .name = "Boost semaphore",
    .how = "interprocess_semaphore",
    .family = BENCH_PEER,
    .waits = BENCH_BLOCK,
    .make = semaphore_make,
    BENCH_ROUND_TRIPS(semaphore),
    BENCH_LOCKS(semaphore),
    .signal_alone = {semaphore_alone, NULL, NULL},
};

/* ---- Mutex ------------------------------------------------------------------------------------------- */

BENCH_INLINE bip::interprocess_mutex &mutex(const bench_lap *lap)
{
    return *static_cast<bip::interprocess_mutex *>(lap->shared);
}

void mutex_make(bench_lap *lap)
{
    expect(lap, "interprocess_mutex", [lap] { new (lap->shared) bip::interprocess_mutex; });
}

BENCH_INLINE void mutex_lock(bench_lap *lap)
{
    mutex(lap).lock();
}

BENCH_INLINE void mutex_unlock(bench_lap *lap)
{
    mutex(lap).unlock();
}

BENCH_LOCK_LOOPS(mutex)

const bench_side mutex_side = {
    .name = "Boost mutex",
    .how = "interprocess_mutex, which an owner's death leaves locked",
    .family = BENCH_PEER,
    .make = mutex_make,
    BENCH_LOCKS(mutex),
};

/* ---- Managed memory ---------------------------------------------------------------------------------- */

std::optional<bip::managed_shared_memory> memory; /* opened by this process */

void memory_create(bench_lap *lap)
{
    expect(lap, "managed_shared_memory",
           [lap] { memory.emplace(bip::create_only, lap->fresh_name, lap->size_bytes); });
}

void memory_destroy(bench_lap *lap)
{
    bip::shared_memory_object::remove(lap->fresh_name);
    memory.reset();
}

void memory_attach(bench_lap *lap)
{
    expect(lap, "managed_shared_memory", [lap] { memory.emplace(bip::open_only, lap->name); });
}

void memory_detach(bench_lap *)
{
    memory.reset();
}

/* The keeper goes on using it, while near closes what it has inherited. */
void memory_make(bench_lap *lap)
{
    expect(lap, "managed_shared_memory",
           [lap] { memory.emplace(bip::create_only, lap->name, lap->size_bytes); });
}

void memory_unmake(bench_lap *lap)
{
    bip::shared_memory_object::remove(lap->name);
    bip::shared_memory_object::remove(lap->fresh_name);
}

BENCH_OBJECT_LOOPS(memory)

const bench_side managed_memory = {
    .name = "Boost managed memory",
    .how = "managed_shared_memory of 64 KiB, its bookkeeping included",
    .family = BENCH_PEER,
    .make = memory_make,
    .unmake = memory_unmake,
    BENCH_OBJECTS(memory),
};

const bench_side *const sides[] = {&message_queue, &spsc_queue,     &condition, &semaphore_side,
                                   &mutex_side,    &managed_memory, nullptr};

} // namespace

extern "C" {
extern const bench_plugin ferry_bench_plugin __attribute__((visibility("default")));
const bench_plugin ferry_bench_plugin = {
    .version = BENCH_PLUGIN_VERSION,
    .side_bytes = sizeof(bench_side),
    .name = "Boost",
    .sides = sides,
};
}

/* Reader-writer locks: who gets in beside whom, in which order, deaths in each state, forks, handing over (contract E6, E7, G7, G8,
 * G11, G13). */
#include <pthread.h>
#include <string.h>

#include "support.h"

static ferry_rwlock *make(unsigned flags)
{
    ferry_rwlock *lock;
    CHECK_OK(ferry_rwlock_open(&lock, "l", FERRY_RWLOCK(.flags = FERRY_CREATE | flags)));
    return lock;
}

static ferry_rwlock *join(void)
{
    ferry_rwlock *lock;
    CHECK_OK(ferry_rwlock_open(&lock, "l", NULL));
    return lock;
}

static void drop(ferry_rwlock *lock)
{
    ferry_rwlock_close(lock);
    CHECK_OK(ferry_remove("l"));
}

/* Nobody has it, or is left over. */
static void check_free(ferry_rwlock *lock)
{
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
    CHECK_OK(ferry_rwlock_unlock(lock));
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_EQ(look("l").reader_count, 0);
    CHECK_EQ(look("l").lock_owner_pid, 0);
}

/* ---- Who gets in beside whom ------------------------------------------------------------------ */

TEST(readers_share_and_a_writer_is_alone) /* E6 */
{
    ferry_rwlock *one = make(0), *two = join(), *writer = join();
    CHECK_OK(ferry_rwlock_lock_shared(one, FERRY_NOW));
    CHECK_OK(ferry_rwlock_lock_shared(two, FERRY_FOREVER));
    CHECK_ERR(ferry_rwlock_lock(writer, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_rwlock_lock(writer, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_OK(ferry_rwlock_unlock_shared(one));
    CHECK_ERR(ferry_rwlock_lock(writer, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_rwlock_unlock_shared(two));
    CHECK_OK(ferry_rwlock_lock(writer, FERRY_NOW));
    CHECK_ERR(ferry_rwlock_lock_shared(one, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_rwlock_lock_shared(one, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_ERR(ferry_rwlock_lock(two, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_rwlock_lock(two, 5 * MILLISECOND), ETIMEDOUT);
    CHECK_OK(ferry_rwlock_unlock(writer));
    check_free(one);
    ferry_rwlock_close(two);
    ferry_rwlock_close(writer);
    drop(one);
}

TEST(a_handle_reads_as_often_as_it_likes) /* E6 */
{
    enum { OFTEN = 5 };
    ferry_rwlock *lock = make(0), *writer = join();
    for (int i = 0; i < OFTEN; i++)
        CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_FOREVER));
    CHECK_EQ(look("l").reader_count, OFTEN);
    for (int i = 0; i < OFTEN; i++) {
        CHECK_ERR(ferry_rwlock_lock(writer, FERRY_NOW), EAGAIN);
        CHECK_OK(ferry_rwlock_unlock_shared(lock));
    }
    check_free(writer);
    ferry_rwlock_close(writer);
    drop(lock);
}

TEST(only_who_has_it_lets_go) /* E6 */
{
    ferry_rwlock *lock = make(0), *other = join();
    CHECK_ERR(ferry_rwlock_unlock(lock), EPERM);
    CHECK_ERR(ferry_rwlock_unlock_shared(lock), EPERM);
    CHECK_ERR(ferry_rwlock_repaired(lock), EPERM);
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_ERR(ferry_rwlock_unlock(lock), EPERM);
    CHECK_ERR(ferry_rwlock_repaired(lock), EPERM);
    CHECK_ERR(ferry_rwlock_unlock_shared(other), EPERM);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_NOW));
    CHECK_ERR(ferry_rwlock_unlock_shared(lock), EPERM);
    CHECK_ERR(ferry_rwlock_unlock(other), EPERM);
    CHECK_ERR(ferry_rwlock_repaired(other), EPERM);
    CHECK_OK(ferry_rwlock_unlock(lock));
    check_free(lock);
    ferry_rwlock_close(other);
    drop(lock);
}

TEST(who_writes_and_asks_again_is_told) /* E7 */
{
    ferry_rwlock *lock = make(0);
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_FOREVER), EDEADLK);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_FOREVER), EDEADLK);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_NOW), EDEADLK);
    CHECK_OK(ferry_rwlock_unlock(lock));
    check_free(lock);
    drop(lock);
}

TEST(the_name_is_of_one_kind) /* G1 */
{
    ferry_rwlock *lock = make(0);
    ferry_mutex *mutex;
    CHECK_ERR(ferry_mutex_open(&mutex, "l", NULL), EMEDIUMTYPE);
    CHECK_CONTAINS(ferry_explain(), "rwlock");
    CHECK_STR(ferry_kind_name(look("l").kind), "rwlock");
    drop(lock);
    CHECK_ERR(ferry_rwlock_open(&lock, "l", FERRY_RWLOCK(.flags = FERRY_RECURSIVE)), EINVAL);
    CHECK_ERR(ferry_rwlock_open(&lock, "l", NULL), ENOENT);
}

/* ---- Processes that hold and wait ------------------------------------------------------------- */

enum { SEVERAL = 4 };

struct party {
    struct test_gate *holds; /* opened once it has the lock, for ever; or NULL: it lets go */
    int result;
    _Atomic bool done;
};

static void read_it(void *context)
{
    struct party *party = context;
    ferry_rwlock *lock = join();
    party->result = ferry_rwlock_lock_shared(lock, FERRY_FOREVER);
    if (party->holds != NULL) {
        test_gate_open(party->holds);
        stay();
    }
    party->done = true;
    if (party->result == 0 || party->result == -EOWNERDEAD)
        CHECK_OK(ferry_rwlock_unlock_shared(lock));
    ferry_rwlock_close(lock);
}

static void write_it(void *context)
{
    struct party *party = context;
    ferry_rwlock *lock = join();
    party->result = ferry_rwlock_lock(lock, FERRY_FOREVER);
    if (party->holds != NULL) {
        test_gate_open(party->holds);
        stay();
    }
    party->done = true;
    if (party->result == -EOWNERDEAD)
        CHECK_OK(ferry_rwlock_repaired(lock));
    if (party->result == 0 || party->result == -EOWNERDEAD)
        CHECK_OK(ferry_rwlock_unlock(lock));
    ferry_rwlock_close(lock);
}

/* One that has it when this returns, and will until it is killed. */
static pid_t begin_holding(void (*body)(void *))
{
    struct party *party = test_shared(sizeof *party);
    party->holds = test_gate_new();
    pid_t pid = test_child(body, party);
    test_gate_wait(party->holds);
    CHECK(party->result == 0 || party->result == -EOWNERDEAD);
    return pid;
}

/* A child is a member by each handle that it inherited, too. */
enum { MEMBERS = 64 };

static int waiters(void)
{
    struct ferry_member members[MEMBERS];
    int there = ferry_look_members("l", members, MEMBERS), waiting = 0;
    for (int i = 0; i < there; i++)
        waiting += members[i].wants_lock;
    return waiting;
}

struct question {
    const char *name;
    uint64_t value;
};

static int find(const struct ferry_field *field, void *context)
{
    struct question *question = context;
    if (strcmp(field->name, question->name) == 0)
        question->value = field->value;
    return 0;
}

static uint64_t raw(const char *name)
{
    struct question question = {.name = name};
    CHECK_OK(ferry_look_raw("l", find, &question));
    return question.value;
}

/* Do they sleep for good, with one of them on guard? */
static void wait_for_waiters(int count, const char *sentry)
{
    test_wait_until(waiters() == count && raw(sentry) != 0);
}

static struct party *begin_reading(pid_t *children, int count)
{
    struct party *parties = test_shared(SEVERAL * sizeof *parties);
    for (int i = 0; i < count; i++)
        children[i] = test_child(read_it, &parties[i]);
    return parties;
}

/* ---- Order ------------------------------------------------------------------------------------ */

TEST(a_writer_that_waits_keeps_new_readers_out) /* E6 */
{
    ferry_rwlock *lock = make(0), *other = join();
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    struct party *party = test_shared(sizeof *party);
    pid_t writer = test_child(write_it, party);
    wait_for_waiters(1, "drain sentry");
    CHECK_ERR(ferry_rwlock_lock_shared(other, FERRY_NOW), EAGAIN);
    CHECK_ERR(ferry_rwlock_lock_shared(other, 5 * MILLISECOND), ETIMEDOUT);
    CHECK(!party->done);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    test_wait_ok(writer);
    CHECK_EQ(party->result, 0);
    check_free(other);
    ferry_rwlock_close(other);
    drop(lock);
}

TEST(a_writer_that_gives_up_lets_readers_in_again) /* E6 G7 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0), *writer = join();
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    struct party *parties = NULL;
    for (int i = 0; i < 20; i++) {
        /* Some of them come while the door is closed. */
        parties = begin_reading(children, SEVERAL);
        CHECK_ERR(ferry_rwlock_lock(writer, 3 * MILLISECOND), ETIMEDOUT);
        for (int j = 0; j < SEVERAL; j++) {
            test_wait_ok(children[j]);
            CHECK_EQ(parties[j].result, 0);
        }
    }
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    check_free(writer);
    ferry_rwlock_close(writer);
    drop(lock);
}

TEST(of_all_who_wait_all_get_it_in_the_end) /* E6 G8 */
{
    pid_t children[SEVERAL], writers[SEVERAL];
    ferry_rwlock *lock = make(0);
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
    struct party *readers = begin_reading(children, SEVERAL),
                 *parties = test_shared(SEVERAL * sizeof *parties);
    for (int i = 0; i < SEVERAL; i++)
        writers[i] = test_child(write_it, &parties[i]);
    wait_for_waiters(2 * SEVERAL, "door sentry");
    CHECK_OK(ferry_rwlock_unlock(lock));
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        test_wait_ok(writers[i]);
        CHECK_EQ(readers[i].result, 0);
        CHECK_EQ(parties[i].result, 0);
    }
    CHECK_EQ(waiters(), 0);
    CHECK_EQ(raw("door sentry"), 0);
    CHECK_EQ(raw("drain sentry"), 0);
    check_free(lock);
    drop(lock);
}

struct stream {
    _Atomic bool stop;
    _Atomic uint32_t in; /* who reads now */
    _Atomic uint64_t rounds;
};

/* With the next one, there is always somebody in. */
static void read_on_and_on(void *context)
{
    struct stream *stream = context;
    ferry_rwlock *lock = join();
    while (!stream->stop) {
        CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_FOREVER));
        uint64_t seen = stream->rounds++;
        stream->in++;
        /* It leaves once another one has come; unless the door is closed, and none can. */
        for (int i = 0; i < 50 && !stream->stop && stream->rounds == seen + 1; i++)
            usleep(100);
        stream->in--;
        CHECK_OK(ferry_rwlock_unlock_shared(lock));
    }
    ferry_rwlock_close(lock);
}

static void write_on_and_on(void *context)
{
    struct stream *stream = context;
    ferry_rwlock *lock = join();
    while (!stream->stop) {
        CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
        stream->rounds++;
        CHECK_OK(ferry_rwlock_unlock(lock));
    }
    ferry_rwlock_close(lock);
}

static void end_stream(struct stream *stream, const pid_t *children, int count)
{
    stream->stop = true;
    for (int i = 0; i < count; i++)
        test_wait_ok(children[i]);
}

TEST(a_stream_of_readers_does_not_starve_a_writer) /* E6 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0);
    struct stream *stream = test_shared(sizeof *stream);
    for (int i = 0; i < SEVERAL; i++)
        children[i] = test_child(read_on_and_on, stream);
    test_wait_until(stream->rounds > 10);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
        CHECK_EQ(stream->in, 0);
        uint64_t rounds = stream->rounds;
        CHECK_OK(ferry_rwlock_unlock(lock));
        test_wait_until(stream->rounds > rounds);
    }
    end_stream(stream, children, SEVERAL);
    check_free(lock);
    drop(lock);
}

TEST(a_stream_of_writers_does_not_starve_a_reader) /* E6 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0);
    struct stream *stream = test_shared(sizeof *stream);
    for (int i = 0; i < SEVERAL; i++)
        children[i] = test_child(write_on_and_on, stream);
    for (int i = 0; i < 50; i++) {
        uint64_t rounds = stream->rounds;
        test_wait_until(stream->rounds > rounds);
        CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_FOREVER));
        CHECK_OK(ferry_rwlock_unlock_shared(lock));
    }
    end_stream(stream, children, SEVERAL);
    check_free(lock);
    drop(lock);
}

TEST(a_reader_that_is_stopped_at_the_door_does_not_hold_writers_up) /* E6 G8 */
{
    ferry_rwlock *lock = make(0);
    pid_t reader;
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
    struct party *party = begin_reading(&reader, 1);
    wait_for_waiters(1, "door sentry");
    stop(reader);
    CHECK_OK(ferry_rwlock_unlock(lock));
    /* It is first, and that counts once. */
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_NOW), EAGAIN);
    CHECK_CONTAINS(ferry_explain(), "first");
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(ferry_rwlock_lock(lock, FERRY_NOW));
        CHECK_OK(ferry_rwlock_unlock(lock));
    }
    CHECK(!party->done);
    CHECK_ERRNO(kill(reader, SIGCONT));
    test_wait_ok(reader);
    CHECK_EQ(party->result, 0);
    check_free(lock);
    drop(lock);
}

TEST(a_reader_that_dies_at_the_door_is_struck_off) /* E6 G8 */
{
    ferry_rwlock *lock = make(0);
    pid_t reader;
    for (int waits = 0; waits < 2; waits++) {
        CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
        begin_reading(&reader, 1);
        wait_for_waiters(1, "door sentry");
        test_kill(reader);
        CHECK_OK(ferry_rwlock_unlock(lock));
        CHECK_EQ(waiters(), 1);
        CHECK_OK(ferry_rwlock_lock(lock, waits ? FERRY_FOREVER : FERRY_NOW));
        CHECK_OK(ferry_rwlock_unlock(lock));
        CHECK_EQ(waiters(), 0);
    }
    check_free(lock);
    drop(lock);
}

/* ---- Writers that die ------------------------------------------------------------------------- */

TEST(who_comes_behind_a_dead_writer_is_told_until_one_repairs) /* E6 G8 */
{
    ferry_rwlock *lock = make(0), *other = join();
    test_kill(begin_holding(write_it));
    CHECK(look("l").lock_owner_dead);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_NOW), EOWNERDEAD);
    CHECK_ERR(ferry_rwlock_lock_shared(other, FERRY_FOREVER), EOWNERDEAD); /* and beside it */
    CHECK_ERR(ferry_rwlock_repaired(lock), EPERM);
    CHECK_ERR(ferry_rwlock_lock(other, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_OK(ferry_rwlock_unlock_shared(other));
    CHECK(look("l").unrepaired);
    test_kill(begin_holding(write_it)); /* neither did this one repair it */
    test_kill(begin_holding(read_it));
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_FOREVER), EOWNERDEAD);
    CHECK_OK(ferry_rwlock_repaired(lock));
    CHECK_OK(ferry_rwlock_unlock(lock));
    CHECK(!look("l").unrepaired);
    check_free(other);
    ferry_rwlock_close(other);
    drop(lock);
}

TEST(or_the_data_are_given_up_for_all) /* E6 */
{
    pid_t children[SEVERAL], writer;
    ferry_rwlock *lock = make(0);
    test_kill(begin_holding(write_it));
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_FOREVER), EOWNERDEAD);
    struct party *readers = begin_reading(children, SEVERAL), *party = test_shared(sizeof *party);
    writer = test_child(write_it, party);
    wait_for_waiters(SEVERAL + 1, "door sentry");
    CHECK_OK(ferry_rwlock_unlock(lock));
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(readers[i].result, -ENOTRECOVERABLE);
    }
    test_wait_ok(writer);
    CHECK_EQ(party->result, -ENOTRECOVERABLE);
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_NOW), ENOTRECOVERABLE);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_NOW), ENOTRECOVERABLE);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_FOREVER), ENOTRECOVERABLE);
    CHECK_CONTAINS(ferry_explain(), "remove the lock");
    CHECK_ERR(ferry_rwlock_unlock(lock), EPERM);
    CHECK(look("l").condemned);
    drop(lock);
}

TEST(when_a_writer_dies_all_readers_that_wait_are_told) /* E6 G8 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0);
    pid_t writer = begin_holding(write_it);
    struct party *readers = begin_reading(children, SEVERAL);
    wait_for_waiters(SEVERAL, "door sentry");
    test_kill(writer);
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(readers[i].result, -EOWNERDEAD);
    }
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(ferry_rwlock_repaired(lock));
    CHECK_OK(ferry_rwlock_unlock(lock));
    drop(lock);
}

TEST(and_so_is_a_writer_that_waits) /* E6 G8 */
{
    ferry_rwlock *lock = make(0);
    pid_t writer = begin_holding(write_it);
    struct party *party = test_shared(sizeof *party);
    pid_t second = test_child(write_it, party);
    wait_for_waiters(1, "sentry"); /* of the mutex; no other field has that name */
    test_kill(writer);
    test_wait_ok(second);
    CHECK_EQ(party->result, -EOWNERDEAD);
    check_free(lock);
    drop(lock);
}

TEST(a_sentry_at_the_door_that_dies_with_the_writer_is_replaced) /* E6 G8 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0);
    pid_t writer = begin_holding(write_it), sentry;
    begin_reading(&sentry, 1);
    wait_for_waiters(1, "door sentry");
    struct party *readers = begin_reading(children, SEVERAL);
    test_wait_until(waiters() == SEVERAL + 1);
    stop(writer);
    stop(sentry);
    test_kill(sentry);
    test_kill(writer);
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(readers[i].result, -EOWNERDEAD);
    }
    drop(lock);
}

TEST(a_writer_that_dies_while_it_waits_for_readers_had_changed_nothing) /* E6 G8 */
{
    pid_t children[SEVERAL];
    ferry_rwlock *lock = make(0), *other = join();
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    struct party *party = test_shared(sizeof *party);
    pid_t writer = test_child(write_it, party);
    wait_for_waiters(1, "drain sentry");
    struct party *readers = begin_reading(children, SEVERAL);
    wait_for_waiters(SEVERAL + 1, "door sentry");
    test_kill(writer);
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(readers[i].result, 0);
    }
    CHECK(!look("l").unrepaired);
    writer = test_child(write_it, party);
    wait_for_waiters(1, "drain sentry");
    test_kill(writer);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    check_free(other); /* it is the writer that finds it dead, this time */
    CHECK(!party->done);
    ferry_rwlock_close(other);
    drop(lock);
}

/* ---- Readers that die ------------------------------------------------------------------------- */

TEST(a_dead_readers_lock_is_gone) /* E6 G8 */
{
    ferry_rwlock *lock = make(0);
    test_kill(begin_holding(read_it));
    CHECK_EQ(look("l").reader_count, 0);
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_NOW));
    CHECK_OK(ferry_rwlock_unlock(lock));
    check_free(lock);
    drop(lock);
}

TEST(a_writer_that_waits_hears_of_each_readers_death) /* E6 G8 */
{
    pid_t readers[SEVERAL];
    ferry_rwlock *lock = make(0);
    for (int i = 0; i < SEVERAL; i++)
        readers[i] = begin_holding(read_it);
    struct party *party = test_shared(sizeof *party);
    pid_t writer = test_child(write_it, party);
    wait_for_waiters(1, "drain sentry");
    CHECK_EQ(look("l").reader_count, SEVERAL);
    for (int i = 0; i < SEVERAL; i++) {
        CHECK(!party->done);
        test_kill(readers[i]);
    }
    test_wait_ok(writer);
    CHECK_EQ(party->result, 0);
    check_free(lock);
    drop(lock);
}

static void read_and_exec(void *context)
{
    struct party *party = context;
    CHECK_OK(ferry_rwlock_lock_shared(join(), FERRY_NOW));
    test_gate_open(party->holds);
    test_wait_until(party->done);
    execlp("sleep", "sleep", "1000", (char *)NULL);
    CHECK(false);
}

TEST(a_reader_that_turns_into_another_program_has_left) /* E6 G11 */
{
    ferry_rwlock *lock = make(0);
    struct party *party = test_shared(sizeof *party), *second = test_shared(sizeof *second);
    party->holds = test_gate_new();
    pid_t reader = test_child(read_and_exec, party);
    test_gate_wait(party->holds);
    pid_t writer = test_child(write_it, second);
    wait_for_waiters(1, "drain sentry");
    party->done = true;
    test_wait_ok(writer);
    CHECK_EQ(second->result, 0);
    test_kill(reader);
    drop(lock);
}

TEST(a_slot_whose_reader_died_is_used_again_without_its_lock) /* E6 G8 */
{
    ferry_rwlock *lock = make(0);
    for (int i = 0; i < 10; i++) {
        test_kill(begin_holding(read_it));
        ferry_rwlock *heir = join(), *second = join();
        CHECK_ERR(ferry_rwlock_unlock_shared(heir), EPERM);
        CHECK_ERR(ferry_rwlock_unlock_shared(second), EPERM);
        check_free(heir);
        ferry_rwlock_close(heir);
        ferry_rwlock_close(second);
    }
    drop(lock);
}

/* ---- Invariants ------------------------------------------------------------------------------- */

struct pair {
    volatile uint64_t one, two;
    _Atomic uint32_t reading;
    _Atomic uint32_t most_reading;
    int rounds;
};

static void note_most(struct pair *pair)
{
    uint32_t reading = ++pair->reading, most = pair->most_reading;
    while (reading > most && !atomic_compare_exchange_weak(&pair->most_reading, &most, reading))
        ;
}

static void read_pair(struct pair *pair, ferry_rwlock *lock)
{
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_FOREVER));
    note_most(pair);
    uint64_t one = pair->one;
    if (one % 64 == 0)
        usleep(200); /* so that others have to sleep */
    CHECK_EQ(pair->two, one);
    pair->reading--;
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
}

static void write_pair(struct pair *pair, ferry_rwlock *lock)
{
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_FOREVER));
    CHECK_EQ(pair->reading, 0);
    pair->one = pair->one + 1;
    if (pair->one % 64 == 0)
        usleep(200);
    pair->two = pair->two + 1;
    CHECK_OK(ferry_rwlock_unlock(lock));
}

struct pairing {
    struct pair *pair;
    ferry_rwlock *lock; /* NULL: its own */
    uint32_t random;
};

static void *use_pair(void *context)
{
    struct pairing *pairing = context;
    ferry_rwlock *lock = pairing->lock ? pairing->lock : join();
    for (int i = 0; i < pairing->pair->rounds; i++)
        if (next_random(&pairing->random) % 4 == 0)
            write_pair(pairing->pair, lock);
        else
            read_pair(pairing->pair, lock);
    if (pairing->lock == NULL)
        ferry_rwlock_close(lock);
    return NULL;
}

static void use_pair_too(void *context)
{
    use_pair(context);
}

TEST(nobody_sees_half_of_what_is_written) /* E6 */
{
    enum { PROCESSES = 8 };
    ferry_rwlock *lock = make(0);
    struct pair *pair = test_shared(sizeof *pair);
    pair->rounds = test_thorough() ? 20000 : 1500;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        struct pairing pairing = {.pair = pair, .random = (uint32_t)i + 1};
        children[i] = test_child(use_pair_too, &pairing);
    }
    for (int i = 0; i < PROCESSES; i++)
        test_wait_ok(children[i]);
    CHECK_EQ(pair->one, pair->two);
    CHECK(pair->most_reading > 1);
    check_free(lock);
    drop(lock);
}

TEST(nor_do_threads_of_one_handle) /* E6 G16 */
{
    enum { THREADS = 6 };
    ferry_rwlock *lock = make(0);
    struct pair *pair = test_shared(sizeof *pair);
    pair->rounds = test_thorough() ? 20000 : 1500;
    pthread_t threads[THREADS];
    struct pairing pairings[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pairings[i] = (struct pairing){.pair = pair, .lock = lock, .random = (uint32_t)i + 1};
        CHECK_EQ(pthread_create(&threads[i], NULL, use_pair, &pairings[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(pair->one, pair->two);
    check_free(lock);
    drop(lock);
}

/* ---- Forks, closing, handing over, signals, looking ------------------------------------------- */

static void try_inherited(void *lock)
{
    CHECK_ERR(ferry_rwlock_unlock(lock), EPERM);
    CHECK_ERR(ferry_rwlock_unlock_shared(lock), EPERM);
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_NOW), EAGAIN);
    int r = ferry_rwlock_lock_shared(lock, FERRY_NOW);
    if (r == 0)
        CHECK_OK(ferry_rwlock_unlock_shared(lock));
    else
        CHECK_ERR(r, EAGAIN);
    ferry_rwlock_close(lock);
}

TEST(what_the_parent_has_locked_stays_the_parents) /* G11 */
{
    ferry_rwlock *lock = make(0);
    CHECK_OK(ferry_rwlock_lock(lock, FERRY_NOW));
    test_wait_ok(test_child(try_inherited, lock));
    CHECK_OK(ferry_rwlock_unlock(lock));
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    test_wait_ok(test_child(try_inherited, lock));
    CHECK_EQ(look("l").reader_count, 1);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    check_free(lock);
    drop(lock);
}

TEST(who_closes_what_it_has_has_left) /* E6 */
{
    ferry_rwlock *lock = make(0), *reader = join(), *writer = join();
    CHECK_OK(ferry_rwlock_lock_shared(reader, FERRY_NOW));
    CHECK_OK(ferry_rwlock_lock_shared(reader, FERRY_NOW));
    struct party *party = test_shared(sizeof *party);
    pid_t waits = test_child(write_it, party);
    wait_for_waiters(1, "drain sentry");
    ferry_rwlock_close(reader);
    test_wait_ok(waits);
    CHECK_EQ(party->result, 0);

    pid_t children[SEVERAL];
    CHECK_OK(ferry_rwlock_lock(writer, FERRY_NOW));
    struct party *readers = begin_reading(children, SEVERAL);
    wait_for_waiters(SEVERAL, "door sentry");
    ferry_rwlock_close(writer);
    for (int i = 0; i < SEVERAL; i++) {
        test_wait_ok(children[i]);
        CHECK_EQ(readers[i].result, -EOWNERDEAD);
    }
    CHECK_ERR(ferry_rwlock_lock(lock, FERRY_NOW), EOWNERDEAD);
    CHECK_OK(ferry_rwlock_repaired(lock));
    CHECK_OK(ferry_rwlock_unlock(lock));
    check_free(lock);
    drop(lock);
}

TEST(it_is_handed_over_without_what_is_locked) /* G1 */
{
    ferry_rwlock *lock, *other;
    int parcel;
    CHECK_OK(ferry_rwlock_open(&lock, NULL, NULL));
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_OK(ferry_rwlock_hand_over(lock, &parcel));
    ferry_mutex *wrong;
    CHECK_ERR(ferry_mutex_take(&wrong, parcel), EMEDIUMTYPE);
    CHECK_OK(ferry_rwlock_take(&other, parcel));
    CHECK_ERR(ferry_rwlock_unlock_shared(other), EPERM);
    CHECK_ERR(ferry_rwlock_lock(other, FERRY_NOW), EAGAIN);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_OK(ferry_rwlock_lock(other, FERRY_NOW));
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_NOW), EAGAIN);
    ferry_rwlock_close(other);
    CHECK_ERR(ferry_rwlock_lock_shared(lock, FERRY_NOW), EOWNERDEAD);
    ferry_rwlock_close(lock);
}

static void ignore(int signal)
{
    (void)signal;
}

static void wait_interruptibly(void *context)
{
    ferry_rwlock *lock;
    bool writes = *(bool *)context;
    struct sigaction action = {.sa_handler = ignore};
    CHECK_ERRNO(sigaction(SIGUSR1, &action, NULL));
    CHECK_OK(ferry_rwlock_open(&lock, "l", FERRY_RWLOCK(.flags = FERRY_EINTR)));
    CHECK_ERR(writes ? ferry_rwlock_lock(lock, FERRY_FOREVER)
                     : ferry_rwlock_lock_shared(lock, FERRY_FOREVER),
              EINTR);
    ferry_rwlock_close(lock);
}

TEST(a_signal_ends_a_wait_that_is_to_end_so) /* G7 */
{
    ferry_rwlock *lock = make(0);
    for (int writes = 0; writes < 2; writes++) {
        bool context = writes;
        CHECK_OK(writes ? ferry_rwlock_lock_shared(lock, FERRY_NOW)
                        : ferry_rwlock_lock(lock, FERRY_NOW));
        pid_t child = test_child(wait_interruptibly, &context);
        wait_for_waiters(1, writes ? "drain sentry" : "door sentry");
        test_sleeping(child);
        CHECK_ERRNO(kill(child, SIGUSR1));
        test_wait_ok(child);
        CHECK_OK(writes ? ferry_rwlock_unlock_shared(lock) : ferry_rwlock_unlock(lock));
        check_free(lock);
    }
    drop(lock);
}

/* Of its memberships, the one that has something to do with the lock. */
static struct ferry_member member_of(pid_t pid)
{
    struct ferry_member members[MEMBERS], found = {.pid = 0};
    int there = ferry_look_members("l", members, MEMBERS);
    for (int i = 0; i < there; i++)
        if (members[i].pid == pid && !found.holds_lock && !found.wants_lock &&
            found.read_holds == 0)
            found = members[i];
    return found;
}

TEST(who_looks_sees_who_has_it_and_who_waits) /* G13 E7 */
{
    ferry_rwlock *lock = make(0);
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_OK(ferry_rwlock_lock_shared(lock, FERRY_NOW));
    CHECK_EQ(look("l").reader_count, 2);
    CHECK_EQ(look("l").lock_owner_pid, 0);
    CHECK_EQ(member_of(getpid()).read_holds, 2);
    CHECK(!member_of(getpid()).holds_lock && !member_of(getpid()).wants_lock);
    struct party *party = test_shared(sizeof *party);
    pid_t writer = test_child(write_it, party), reader;
    wait_for_waiters(1, "drain sentry");
    begin_reading(&reader, 1);
    wait_for_waiters(2, "door sentry");
    CHECK_EQ(look("l").lock_owner_pid, writer);
    CHECK(member_of(writer).holds_lock && member_of(writer).wants_lock);
    CHECK(!member_of(reader).holds_lock && member_of(reader).wants_lock);
    CHECK_EQ(member_of(reader).read_holds, 0);
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    CHECK_OK(ferry_rwlock_unlock_shared(lock));
    test_wait_ok(writer);
    test_wait_ok(reader);
    check_free(lock);
    drop(lock);
}

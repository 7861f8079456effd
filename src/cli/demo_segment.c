/* The tour's chapter on shared memory: sharing and waking, a death with the lock in hand, and
 * removal while others are attached. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "cli/object.h"
#include "cli/story.h"

static const char name[] = "demo";
enum { SIZE = 4097, ROUNDS = 200, SPINS = 10000, WORDS = 40 };

/* What the two processes keep in the segment. */
struct shared {
    _Atomic int64_t moment_ns;
    _Atomic uint32_t turn;
    char words[WORDS];
};

static struct shared *shared_in(ferry_segment *segment)
{
    return ferry_segment_data(segment);
}

static struct ferry_object look(ferry_segment *segment)
{
    struct ferry_object object = {.object_bytes = sizeof(object)};
    story_must(ferry_segment_look(segment, &object), "looking at the segment");
    return object;
}

/* Words for how many are attached, after making sure that it is so. */
static struct phrase attached(ferry_segment *segment, uint32_t alive)
{
    struct ferry_object object = look(segment);
    story_expect(object.attached == alive, "the number attached is what it must be");
    struct phrase phrase = {"attached "};
    strcat(phrase.text, object_attached(&object).text);
    return phrase;
}

/* ---- Sharing --------------------------------------------------------------------------------- */

/* Returns once the other member sleeps. */
static void await_sleeper(void)
{
    struct ferry_member members[2];
    int64_t end = story_now_ns() + STORY_PATIENCE_NS;
    do {
        int count = ferry_look_members(name, members, 2);
        story_must(count, "looking at the members");
        for (int i = 0; i < count && i < 2; i++)
            if (members[i].waiting)
                return;
    } while (story_now_ns() < end);
    story_expect(false, "the other process goes to sleep");
}

/* Steps the version; *version stays what this side knows of it. */
static void notify(ferry_segment *segment, uint32_t *version)
{
    story_must(ferry_segment_notify(segment), "notifying");
    ++*version;
}

static void wait_for_notice(ferry_segment *segment, uint32_t *version)
{
    story_must(ferry_segment_wait(segment, version, STORY_PATIENCE_NS), "waiting for a notice");
}

/* Waits for its turn by looking, without any system call. */
static void spin_until(struct shared *shared, uint32_t turn)
{
    while (atomic_load_explicit(&shared->turn, memory_order_acquire) != turn)
        continue;
}

static void hand_over(struct shared *shared, uint32_t turn)
{
    atomic_store_explicit(&shared->turn, turn, memory_order_release);
}

static bool has_two_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

/* The other process.  It was forked before the segment existed: it comes by name, as any
 * stranger would. */
static void play_partner(int stage, void *context)
{
    (void)context;
    ferry_segment *segment;
    stage_receive(stage);
    int64_t start = story_now_ns();
    story_must(ferry_segment_open(&segment, name, NULL), "attaching");
    stage_send(stage, story_now_ns() - start);

    struct shared *shared = shared_in(segment);
    uint32_t version;
    stage_receive(stage);
    story_must(ferry_segment_version(segment, &version), "asking for the version");
    await_sleeper();
    strcpy(shared->words, "hello from the other side");
    atomic_store_explicit(&shared->moment_ns, story_now_ns(), memory_order_relaxed);
    notify(segment, &version);

    for (int i = 0; i < ROUNDS; i++) {
        wait_for_notice(segment, &version);
        notify(segment, &version);
    }
    if (has_two_cores())
        for (uint32_t i = 0; i < SPINS; i++) {
            spin_until(shared, 2 * i + 1);
            hand_over(shared, 2 * i + 2);
        }
    stage_receive(stage);
    ferry_segment_close(segment);
}

/* The narrator's side of both kinds of round trip. */
static void measure(ferry_segment *segment, uint32_t version)
{
    int64_t start = story_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        notify(segment, &version);
        wait_for_notice(segment, &version);
    }
    story_tell(phrase_duration((story_now_ns() - start) / ROUNDS).text,
               "A notice there and back, mean of 1,000");
    if (!has_two_cores())
        return;
    start = story_now_ns();
    for (uint32_t i = 0; i < SPINS; i++) {
        hand_over(shared_in(segment), 2 * i + 1);
        spin_until(shared_in(segment), 2 * i + 2);
    }
    story_tell(phrase_duration((story_now_ns() - start) / SPINS).text,
               "The same with both looking at the memory instead");
}

static ferry_segment *make(void)
{
    ferry_segment *segment;
    int64_t start = story_now_ns();
    int r = ferry_segment_open(
        &segment, name, FERRY_SEGMENT(.size_bytes = SIZE, .flags = FERRY_CREATE | FERRY_EXCLUSIVE));
    story_must(r, "making the segment");
    story_expect(ferry_segment_size(segment) == SIZE, "the size is what was asked for");
    story_tell(phrase_duration(story_now_ns() - start).text, "This process makes \"%s\", %s bytes",
               name, phrase_count(ferry_segment_size(segment)).text);
    story_tell(attached(segment, 1).text, "It is the only member");
    return segment;
}

static ferry_segment *share(void)
{
    struct actor partner = actor_start(play_partner, NULL);
    ferry_segment *segment = make();
    stage_send(partner.stage, 0);
    int64_t took_ns = stage_receive(partner.stage);
    story_tell(phrase_duration(took_ns).text, "Process %d attaches by name", (int)partner.pid);
    story_tell(attached(segment, 2).text, "Now they are two");

    uint32_t version;
    story_must(ferry_segment_version(segment, &version), "asking for the version");
    stage_send(partner.stage, 0);
    wait_for_notice(segment, &version);
    int64_t woken_ns = story_now_ns();
    struct shared *shared = shared_in(segment);
    int64_t written_ns = atomic_load_explicit(&shared->moment_ns, memory_order_relaxed);
    story_tell("", "This one sleeps; the other writes \"%.*s\"", WORDS, shared->words);
    story_tell(phrase_duration(woken_ns - written_ns).text, "From its notice to awake");
    measure(segment, version);

    stage_send(partner.stage, 0);
    actor_finish(&partner);
    story_tell(attached(segment, 1).text, "The other detaches");
    return segment;
}

/* ---- Death ----------------------------------------------------------------------------------- */

/* Dies with the lock in hand and half its words written. */
static void play_victim(int stage, void *context)
{
    ferry_segment *segment = context;
    story_must(ferry_segment_lock(segment, STORY_PATIENCE_NS), "locking");
    strcpy(shared_in(segment)->words, "half a sent");
    stage_send(stage, 0);
    stage_receive(stage);
}

static void die(ferry_segment *segment)
{
    struct actor victim = actor_start(play_victim, segment);
    story_tell(attached(segment, 2).text, "A forked child, %d, is a member from its first moment",
               (int)victim.pid);
    stage_receive(victim.stage);
    story_tell("", "It takes the lock and writes \"%.*s\"", WORDS, shared_in(segment)->words);
    story_expect(ferry_segment_lock(segment, FERRY_NOW) == -EAGAIN, "nobody else gets the lock");
    int64_t killed_ns = story_now_ns();
    kill(victim.pid, SIGKILL);
    int r = ferry_segment_lock(segment, STORY_PATIENCE_NS);
    int64_t taken_ns = story_now_ns();
    story_expect(r == -EOWNERDEAD, "the next owner of the lock is told of the death");
    actor_bury(&victim);
    story_tell(attached(segment, 1).text, "kill -9 %d, and ask for the lock at once",
               (int)victim.pid);
    story_tell(phrase_duration(taken_ns - killed_ns).text, "We have it, with -EOWNERDEAD, after");
}

static void mend(ferry_segment *segment)
{
    strcpy(shared_in(segment)->words, "half a sentence, mended");
    story_must(ferry_segment_repaired(segment), "declaring the data repaired");
    story_must(ferry_segment_unlock(segment), "unlocking");
    story_must(ferry_segment_lock(segment, FERRY_NOW), "locking again");
    story_must(ferry_segment_unlock(segment), "unlocking");
    story_tell("", "Repaired: \"%s\"; the next lock is as always", shared_in(segment)->words);
}

/* ---- Removal --------------------------------------------------------------------------------- */

static void play_survivor(int stage, void *context)
{
    ferry_segment *segment = context;
    stage_receive(stage);
    strcpy(shared_in(segment)->words, "still here");
    stage_send(stage, 0);
    stage_receive(stage);
}

/* Anonymous objects of the whole machine are listed, too; only ours count. */
static int count_ours(const struct ferry_object *object, void *context)
{
    *(int *)context += object->creator_pid == getpid() && strcmp(object->label, name) == 0;
    return 0;
}

static void leave(ferry_segment *segment, struct actor *survivor)
{
    stage_send(survivor->stage, 0);
    actor_finish(survivor);
    ferry_segment_close(segment);
    int count = 0;
    story_must(ferry_list(count_ours, &count), "listing");
    story_expect(count == 0, "nothing is left over");
    story_tell("0 objects left", "Both leave, and the memory is free");
}

static void vanish(ferry_segment *segment)
{
    struct actor survivor = actor_start(play_survivor, segment);
    story_must(ferry_remove(name), "removing");
    ferry_segment *other;
    story_expect(ferry_segment_open(&other, name, NULL) == -ENOENT, "the name is gone at once");
    story_tell("new opens: -ENOENT", "\"%s\" is removed while two are attached", name);
    story_expect(look(segment).removed, "the segment is seen to be removed");
    stage_send(survivor.stage, 0);
    stage_receive(survivor.stage);
    story_tell(attached(segment, 2).text, "They go on: \"%.*s\"", WORDS, shared_in(segment)->words);
    leave(segment, &survivor);
}

void demo_segment(void)
{
    story_heading("Processes share a segment");
    ferry_segment *segment = share();
    story_heading("One of them dies at the worst moment");
    die(segment);
    mend(segment);
    story_heading("The name goes first, the memory with its last member");
    vanish(segment);
}

/* A lock word that somebody changes whenever the kernel is asked about its owner (contract G9).  On a
 * machine with processors to spare the racing attacker does that; here it is the library's own
 * question that does it, so that the loop has no luck at all. */
#define slots_is_alive slots_is_alive_truly
#include "shared/slots.c"
#undef slots_is_alive

#include <ferry/ferry.h>

#include "ipc/segment.h"
#include "shared/members.h"
#include "test.h"

bool slots_is_alive(struct slots *slots, slot_tag tag);

/* So often at most it may ask in one call, whatever it is told. */
enum { PATIENCE = 1000000 };

static uint32_t asked;
static _Atomic uint32_t *restless; /* the word that never stands still, or NULL */

bool slots_is_alive(struct slots *slots, slot_tag tag)
{
    if (restless == NULL)
        return slots_is_alive_truly(slots, tag);
    CHECK(asked++ < PATIENCE);
    atomic_store(restless, slot_tag_make(9, asked));
    return false;
}

static ferry_segment *create(void)
{
    ferry_segment *segment;
    CHECK_OK(ferry_segment_open(&segment, NULL, FERRY_SEGMENT(.size_bytes = 8)));
    return segment;
}

static void be_restless(_Atomic uint32_t *word)
{
    atomic_store(word, slot_tag_make(9, 0));
    restless = word;
    asked = 0;
}

static void rest(void)
{
    atomic_store(restless, 0);
    restless = NULL;
}

TEST(lock_now_gives_up_on_a_word_that_never_stands_still) /* G7, G9 */
{
    ferry_segment *segment = create();
    be_restless(&region_control(&segment->object.region)->mutex.word);
    CHECK_ERR(ferry_segment_lock(segment, FERRY_NOW), EAGAIN);
    rest();
    ferry_segment_close(segment);
}

TEST(lock_keeps_its_time_on_a_word_that_never_stands_still) /* G7, G9 */
{
    ferry_segment *segment = create();
    be_restless(&region_control(&segment->object.region)->mutex.word);
    CHECK_ERR(ferry_segment_lock(segment, 1000000), ETIMEDOUT);
    rest();
    ferry_segment_close(segment);
}

TEST(books_that_never_stand_still_are_given_up) /* G9 */
{
    ferry_segment *segment = create();
    be_restless(&region_control(&segment->object.region)->lock.word);
    CHECK_ERR(members_reap(&segment->object.slots, 5, clock_now_ns()), ETIMEDOUT);
    CHECK_CONTAINS(ferry_explain(), "overwrites");
    rest();
    ferry_segment_close(segment);
}

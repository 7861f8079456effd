/* Queues whose control memory is overwritten by another member (contract G9): each kind of queue, and all that one can do
 * with it. */
#include "queue_world.h"
#include "test.h"

static const struct {
    const char *what;
    const struct hostile_operation *operations;
} groups[] = {{"sending", sending}, {"receiving", receiving}, {"in place", in_place},
              {"members", members}, {"polling", polling},     {"looking on", looking_on}};

TEST_LONG(senders_survive_any_word, 900) /* G9 Q1 */
{
    play("sending", sending, false);
}

TEST_LONG(receivers_survive_any_word, 900) /* G9 Q1 */
{
    play("receiving", receiving, false);
}

TEST_LONG(loans_survive_any_word, 900) /* G9 Q6 */
{
    play("in place", in_place, false);
}

TEST_LONG(joining_and_leaving_survive_any_word, 900) /* G9 */
{
    play("members", members, false);
}

TEST_LONG(polling_and_looking_on_survive_any_word, 900) /* G9 Q7 */
{
    play("polling", polling, false);
    play("looking on", looking_on, false);
}

TEST_LONG(all_survive_changing_words, 900) /* G9 */
{
    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        play(groups[i].what, groups[i].operations, true);
}

/* The attacker of a race: at full speed, word after word.  A word is changed back and forth between
 * what it was and something else for a while, or to something else every time; now and then all is
 * put right, so that victims come farther than the first check.  In a siege it is one word for the whole
 * round: no loop may go on until that word stands still. */
#include <time.h>

#include "run.h"

enum { FLIPS_MOST = 20000, FLIPS_BETWEEN_LOOKS = 64, WORDS_BETWEEN_RESTORES = 4 };

/* Until the victim is there, and while it is being rescued.  Says that it attacks before it looks whether there is peace; who
 * makes peace looks the other way round. */
static void stand_back(struct run *run)
{
    struct progress *progress = run->progress;
    for (;;) {
        atomic_store(&progress->attacking, 1);
        if (atomic_load(&progress->ready) && !atomic_load(&progress->peace))
            return;
        atomic_store(&progress->attacking, 0);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

static struct word choose(const struct words *words, uint64_t *random)
{
    size_t among = words_random(random) % 8 == 0 ? words->count : words->named;
    return words->list[words_random(random) % among];
}

/* Between two values, or among all of them, and random ones between. */
static void flip(struct run *run, struct word word, uint64_t flips, uint64_t *random)
{
    uint64_t values[WORDS_VALUES_MOST];
    size_t count = words_values(run->progress->image, run->progress->older, word, values);
    uint64_t good = words_load(run->progress->image, word);
    uint64_t bad = values[words_random(random) % count];
    uint64_t manner = words_random(random) % 3;
    for (uint64_t i = 0; i < flips; i++) {
        if (manner == 1)
            bad = values[words_random(random) % count];
        else if (manner == 2)
            bad = words_random(random);
        words_store(run->control, word, manner < 2 && i % 2 == 0 ? good : bad);
    }
}

/* Half of the time nobody who is alive holds it, half of the time it is right every other moment. */
static _Noreturn void besiege(struct run *run, struct word word, uint64_t *random)
{
    atomic_store(&run->progress->offset, word.offset);
    atomic_store(&run->progress->width, word.width);
    for (;;) {
        stand_back(run);
        for (unsigned i = 0; i < FLIPS_BETWEEN_LOOKS; i++)
            words_store(run->control, word, words_random_tag(random));
        flip(run, word, FLIPS_BETWEEN_LOOKS, random);
    }
}

void attacker_live(struct run *run)
{
    uint64_t random = run->seed * 7 + 1;
    stand_back(run);
    if (run->besieged)
        besiege(run, *run->besieged, &random);
    for (;;) {
        if (words_random(&random) % 4 == 0)
            words_background((unsigned)(words_random(&random) % WORDS_BACKGROUNDS), run->control,
                             &random);
        for (int i = 0; i < WORDS_BETWEEN_RESTORES; i++) {
            struct word word = choose(run->words, &random);
            atomic_store(&run->progress->offset, word.offset);
            atomic_store(&run->progress->width, word.width);
            stand_back(run);
            flip(run, word, words_random(&random) % FLIPS_MOST, &random);
        }
        run_restore(run, run->progress->image);
    }
}

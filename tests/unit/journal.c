/* The journal: what a dead owner had committed happens, what it had not does not (DESIGN, law 1).
 */
#include <errno.h>

#include "object.h"
#include "shared/journal.h"
#include "shared/lock.h"

struct scene {
    struct object object;
    struct slots victim;
    struct layout *control;
};

static struct scene begin(void)
{
    struct scene scene = {.object = object_make("x", 0)};
    scene.victim = object_join(&scene.object);
    scene.control = region_control(&scene.object.region);
    return scene;
}

static void end(struct scene *scene)
{
    object_remove(&scene->object);
}

/* What the victim writes: three fields that are nobody's. */
static _Atomic uint64_t *field(struct scene *scene, int index)
{
    return (_Atomic uint64_t *)(void *)(scene->control->reserved + 8 * index);
}

static void note_three(struct scene *scene, struct journal *journal)
{
    const struct journal_book book = journal_book_of(scene->control);
    *journal = journal_begin(&book);
    for (int i = 0; i < 3; i++)
        journal_set(journal, field(scene, i), 100 + (uint64_t)i);
}

/* How many of the three have happened. */
static int happened(struct scene *scene)
{
    int count = 0;
    for (int i = 0; i < 3; i++)
        count += atomic_load(field(scene, i)) == 100 + (uint64_t)i;
    return count;
}

/* The survivor takes the lock, which finishes what is to be finished. */
static void recover(struct scene *scene)
{
    CHECK_EQ(journal_lock(&scene->object.first, CLOCK_NEVER), 0);
    CHECK_EQ(atomic_load(&scene->control->journal.commit), 0);
    journal_unlock(&scene->object.first);
}

TEST(a_commit_changes_all_fields) /* law 1 */
{
    struct scene scene = begin();
    struct journal journal;
    CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
    note_three(&scene, &journal);
    CHECK_EQ(happened(&scene), 0);
    journal_commit(&journal);
    CHECK_EQ(happened(&scene), 3);
    CHECK_EQ(atomic_load(&scene.control->journal.commit), 0);
    journal_unlock(&scene.victim);
    object_leave(&scene.victim);
    end(&scene);
}

TEST(death_before_the_commit_changes_nothing) /* G8 */
{
    struct scene scene = begin();
    struct journal journal;
    CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
    note_three(&scene, &journal);
    object_vanish(&scene.victim);
    recover(&scene);
    CHECK_EQ(happened(&scene), 0);
    end(&scene);
}

TEST(death_after_the_commit_changes_everything_however_far_it_came) /* G8 */
{
    for (int applied = 0; applied <= 3; applied++) {
        struct scene scene = begin();
        struct journal journal;
        CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
        note_three(&scene, &journal);
        atomic_store(&scene.control->journal.commit, 3);
        for (int i = 0; i < applied; i++)
            atomic_store(field(&scene, i), 100 + (uint64_t)i);
        object_vanish(&scene.victim);
        recover(&scene);
        CHECK_EQ(happened(&scene), 3);
        end(&scene);
    }
}

TEST(a_recovery_that_is_killed_is_recovered) /* G8: twice is once */
{
    struct scene scene = begin();
    struct slots second = object_join(&scene.object);
    struct journal journal;
    CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
    note_three(&scene, &journal);
    atomic_store(&scene.control->journal.commit, 3);
    object_vanish(&scene.victim);

    /* The first survivor takes the lock over, applies one record and dies. */
    CHECK_EQ(lock_take(&scene.control->lock, &second, CLOCK_NEVER), 1);
    atomic_store(field(&scene, 0), 100);
    object_vanish(&second);
    recover(&scene);
    CHECK_EQ(happened(&scene), 3);
    end(&scene);
}

TEST(a_living_owners_journal_is_not_rolled) /* law 1 */
{
    struct scene scene = begin();
    struct journal journal;
    CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
    note_three(&scene, &journal);
    atomic_store(&scene.control->journal.commit, 3);
    CHECK_EQ(journal_lock(&scene.object.first, clock_deadline(0)), -ETIMEDOUT);
    CHECK_EQ(happened(&scene), 0);
    atomic_store(&scene.control->journal.commit, 0);
    journal_unlock(&scene.victim);
    object_leave(&scene.victim);
    end(&scene);
}

TEST(records_that_point_elsewhere_are_left_out) /* G9 */
{
    struct scene scene = begin();
    struct journal journal;
    const struct layout_identity before = scene.control->identity;
    const uint64_t bad[] = {0,
                            8,
                            56,
                            65,
                            71,
                            sizeof(struct layout) - 7,
                            sizeof(struct layout),
                            UINT64_MAX,
                            UINT64_MAX - 7,
                            INT64_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slots victim = object_join(&scene.object);
        CHECK_EQ(journal_lock(&victim, CLOCK_NEVER), 0);
        note_three(&scene, &journal);
        atomic_store(&scene.control->journal.records[1].offset, bad[i]);
        atomic_store(&scene.control->journal.commit, 3);
        for (int j = 0; j < 3; j++)
            atomic_store(field(&scene, j), 0);
        object_vanish(&victim);
        recover(&scene);
        CHECK_EQ(happened(&scene), 2); /* the others count */
        CHECK(memcmp(&scene.control->identity, &before, sizeof(before)) == 0);
    }
    object_leave(&scene.victim);
    end(&scene);
}

TEST(a_commit_word_beyond_the_records_ends_with_them) /* G9 */
{
    const uint32_t counts[] = {LAYOUT_JOURNAL_RECORDS, LAYOUT_JOURNAL_RECORDS + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct scene scene = begin();
        struct journal journal;
        CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
        note_three(&scene, &journal);
        /* Behind the records lie the boards: as records they would be nonsense, or worse. */
        atomic_store(&scene.control->sleepers.words[0], offsetof(struct layout, reserved) + 24);
        atomic_store(&scene.control->sleepers.words[1], 1);
        atomic_store(&scene.control->journal.commit, counts[i]);
        object_vanish(&scene.victim);
        recover(&scene);
        CHECK_EQ(happened(&scene), 3);
        CHECK_EQ(atomic_load(field(&scene, 3)), 0);
        end(&scene);
    }
}

TEST(sixteen_records_fit) /* law 1 */
{
    struct scene scene = begin();
    CHECK_EQ(journal_lock(&scene.victim, CLOCK_NEVER), 0);
    const struct journal_book book = journal_book_of(scene.control);
    struct journal journal = journal_begin(&book);
    for (int i = 0; i < (int)LAYOUT_JOURNAL_RECORDS; i++)
        journal_set(&journal, field(&scene, i), 7);
    journal_commit(&journal);
    for (int i = 0; i < (int)LAYOUT_JOURNAL_RECORDS; i++)
        CHECK_EQ(atomic_load(field(&scene, i)), 7);
    journal_unlock(&scene.victim);
    object_leave(&scene.victim);
    end(&scene);
}

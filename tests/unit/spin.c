/* Spinning that learns whether it pays (DESIGN, law 7). */
#include "shared/spin.h"
#include "test.h"

/* Turns that a spin takes whose condition never holds. */
static uint32_t turns_in_vain(struct spin *spin)
{
    uint32_t looks = 0;
    CHECK(!SPIN_UNTIL(spin, (looks++, false)));
    return looks - 1; /* it looks once before the first turn */
}

/* Waits for something that comes after so many turns; says whether the spin lasted so long. */
static bool comes_after(struct spin *spin, uint32_t turns)
{
    uint32_t looks = 0;
    return SPIN_UNTIL(spin, looks++ >= turns);
}

TEST(a_condition_that_holds_costs_no_turn)
{
    struct spin spin = SPIN_INIT;
    uint32_t looks = 0;
    CHECK(SPIN_UNTIL(&spin, (looks++, true)));
    CHECK_EQ(looks, 1);
}

TEST(what_held_from_the_start_teaches_nothing) /* G15 */
{
    struct spin spin = {.budget = 0, .pause = SPIN_FIRST_PAUSE};
    for (int i = 0; i < 1000; i++)
        CHECK(SPIN_UNTIL(&spin, true));
    CHECK_EQ(turns_in_vain(&spin), 0);
}

TEST(a_spin_that_never_pays_stops) /* G15 */
{
    struct spin spin = SPIN_INIT;
    uint32_t before = UINT32_MAX;
    for (int i = 0; i < 7; i++) {
        uint32_t turns = turns_in_vain(&spin);
        CHECK(turns <= before / 2 + 1);
        before = turns;
    }
    CHECK_EQ(turns_in_vain(&spin), 0);
}

/* On one core: what the trials cost must vanish among the waits. */
TEST(trials_that_fail_become_rare) /* G15 */
{
    struct spin spin = SPIN_INIT;
    for (int i = 0; i < 10000; i++)
        turns_in_vain(&spin);
    uint64_t turns = 0;
    for (int i = 0; i < 10000; i++)
        turns += turns_in_vain(&spin);
    CHECK(turns > 0);
    CHECK(turns <= 10 * 4096);
}

TEST(spins_that_pay_again_come_back_at_once)
{
    struct spin spin = {.budget = 0, .pause = SPIN_FIRST_PAUSE};
    int waits = 0;
    while (!comes_after(&spin, 3000)) /* as long as two that both sleep take to answer */
        CHECK(++waits < 2 * SPIN_FIRST_PAUSE);
    for (int i = 0; i < 100; i++)
        CHECK(comes_after(&spin, 3000));
}

TEST(a_budget_comes_down_to_what_is_needed_and_a_margin)
{
    struct spin spin = SPIN_INIT;
    for (int i = 0; i < 200; i++)
        CHECK(comes_after(&spin, 50));
    CHECK(turns_in_vain(&spin) < 700);
}

TEST(a_budget_is_bounded)
{
    struct spin spin = SPIN_INIT;
    while (comes_after(&spin, 2000))
        if (comes_after(&spin, 4000))
            break;
    CHECK(turns_in_vain(&spin) <= 4096);
}

TEST(it_looks_once_even_without_a_budget)
{
    struct spin spin = {.budget = 0, .pause = SPIN_FIRST_PAUSE};
    CHECK(SPIN_UNTIL(&spin, true));
}

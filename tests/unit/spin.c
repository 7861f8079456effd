/* Spinning that learns whether it pays (DESIGN, law 7). */
#include "shared/spin.h"
#include "test.h"

/* Turns that a spin takes whose condition never holds. */
static uint32_t turns_in_vain(struct spin *spin)
{
    uint32_t turns = 0;
    CHECK(!SPIN_UNTIL(spin, (turns++, false)));
    return turns - 1; /* it looks once before the first turn */
}

TEST(a_condition_that_holds_costs_no_turn)
{
    struct spin spin = SPIN_INIT;
    uint32_t looks = 0;
    CHECK(SPIN_UNTIL(&spin, (looks++, true)));
    CHECK_EQ(looks, 1);
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

TEST(a_spin_that_stopped_tries_again_now_and_then)
{
    struct spin spin = {.budget = 0};
    uint32_t trials = 0;
    for (int i = 0; i < 640; i++) {
        uint32_t turns = spin_begin(&spin);
        CHECK(turns <= 256);
        trials += turns > 0;
    }
    CHECK_EQ(trials, 10);
}

TEST(a_spin_that_pays_again_comes_back_and_stays_bounded)
{
    struct spin spin = {.budget = 0};
    for (int i = 0; i < 100; i++) {
        CHECK(SPIN_UNTIL(&spin, true));
        CHECK(spin_begin(&spin) <= 4096); /* some 60 µs */
    }
    CHECK_EQ(spin_begin(&spin), 4096);
}

TEST(it_looks_once_even_without_a_budget)
{
    struct spin spin = {.budget = 0};
    CHECK(SPIN_UNTIL(&spin, true));
}

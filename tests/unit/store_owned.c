/* What members have of a store's memory, and what becomes of it when they die; nonsense in the index; what it costs to choose. */
#include <errno.h>

#include "store.h"

static const struct ferry_choice ANY = {.selection = FERRY_ANY};

static uint64_t messages_in(struct flow *flow)
{
    struct ferry_queue_statistics statistics;
    CHECK_OK(flow->engine->measure(flow, &statistics));
    return statistics.messages;
}

struct guest {
    struct slots slots;
    struct flow flow;
};

static void guest_join(struct guest *guest, struct store_object *of)
{
    guest->slots = object_join(&of->object);
    store_view(&guest->flow, of, &guest->slots);
}

/* Without a word. */
static void guest_die(struct guest *guest)
{
    object_vanish(&guest->slots);
    guest->slots.tag = 0;
    store_unview(&guest->flow);
}

TEST(loans_of_the_dead_come_back) /* G8 Q6 */
{
    struct store_object *of =
        store_object_make((struct flow_shape){.messages = 10, .bytes = 10000, .largest = 10000});
    struct guest guest;
    guest_join(&guest, of);
    void *loan;
    for (int i = 0; i < 10; i++)
        CHECK_OK(guest.flow.engine->try_loan(&guest.flow, &loan, 1000, CLOCK_NEVER));
    CHECK_EQ(store_send(&of->first, "x", 1, 0, 0), -EAGAIN);
    CHECK_EQ(messages_in(&of->first), 0);
    guest_die(&guest);
    CHECK_OK(store_send(&of->first, "x", 1, 0, 0));
    CHECK_EQ(messages_in(&of->first), 1);
    struct store *store = store_of(&of->first);
    struct pages *pages = malloc(sizeof(*pages));
    CHECK(pages != NULL);
    CHECK_OK(store_lock(store, CLOCK_NEVER));
    pages_init(pages, store);
    CHECK_EQ(pages_books(pages)->owners, 0);
    CHECK_EQ(pages_books(pages)->held, 0);
    CHECK_EQ(pages_books(pages)->held_bytes, 0);
    store_unlock(store);
    free(pages);
    store_object_remove(of);
}

TEST(what_the_dead_took_comes_back) /* G8 Q6 */
{
    struct store_object *of =
        store_object_make((struct flow_shape){.messages = 4, .bytes = 4000000, .largest = 4000000});
    char *large = calloc(1, 4000000);
    CHECK(large != NULL);
    /* A third one would not find memory beside two that are taken. */
    struct guest guest;
    guest_join(&guest, of);
    struct ferry_message message;
    int taken = 0;
    while (store_send(&of->first, large, 4000000, 0, 0) == 0) {
        CHECK_EQ(guest.flow.engine->try_take(&guest.flow, &message, &ANY, CLOCK_NEVER), 4000000);
        CHECK(++taken < 5);
    }
    CHECK(taken > 0);
    guest_die(&guest);
    CHECK_OK(store_send(&of->first, large, 4000000, 0, 0));
    free(large);
    store_object_remove(of);
}

TEST(a_closed_handle_gives_back_what_it_had) /* Q6 */
{
    struct store_object *of =
        store_object_make((struct flow_shape){.messages = 2, .bytes = 1000, .largest = 1000});
    struct guest guest;
    guest_join(&guest, of);
    void *loan;
    CHECK_OK(guest.flow.engine->try_loan(&guest.flow, &loan, 500, CLOCK_NEVER));
    CHECK_OK(guest.flow.engine->try_loan(&guest.flow, &loan, 500, CLOCK_NEVER));
    CHECK_EQ(store_send(&of->first, "x", 1, 0, 0), -EAGAIN);
    store_unview(&guest.flow);
    CHECK_OK(store_send(&of->first, "x", 1, 0, 0));
    object_leave(&guest.slots);
    store_object_remove(of);
}

TEST(sixty_four_loans_and_no_more) /* Q6 */
{
    struct store_object *of =
        store_object_make((struct flow_shape){.messages = 100, .bytes = 10000, .largest = 1000});
    void *loans[STORE_HELD_MOST + 1];
    const struct flow_engine *engine = of->first.engine;
    for (int i = 0; i < STORE_HELD_MOST; i++)
        CHECK_OK(engine->try_loan(&of->first, &loans[i], (size_t)i, CLOCK_NEVER));
    CHECK_ERR(engine->try_loan(&of->first, &loans[STORE_HELD_MOST], 1, CLOCK_NEVER), ENOBUFS);
    CHECK_ERR(engine->return_loan(&of->first, (char *)loans[5] + 1, CLOCK_NEVER), EINVAL);
    CHECK_ERR(engine->return_loan(&of->first, NULL, CLOCK_NEVER), EINVAL);
    for (int i = 0; i < STORE_HELD_MOST; i++)
        CHECK_OK(engine->return_loan(&of->first, loans[i], CLOCK_NEVER));
    CHECK_ERR(engine->return_loan(&of->first, loans[0], CLOCK_NEVER), EINVAL);
    uint64_t ticket;
    const struct ferry_message message = {.bytes = loans[0], .size_bytes = 1};
    CHECK_ERR(engine->try_send_loan(&of->first, &message, CLOCK_NEVER, &ticket), EINVAL);
    store_object_remove(of);
}

TEST(the_largest_always_fits_an_empty_queue) /* Q3 */
{
    static const size_t sizes[] = {1,      63, 64, 65, 1000, 4096, 100000, 1 << 20, (1 << 20) + 1,
                                   5000000};
    static char bytes[5000000];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (unsigned flags = 0; flags <= FERRY_UNBOUNDED; flags += FERRY_UNBOUNDED) {
            struct store_object *of = store_object_make((struct flow_shape){
                .flags = flags, .messages = 1, .bytes = sizes[i], .largest = sizes[i]});
            CHECK_OK(store_send(&of->first, bytes, sizes[i], 0, 0));
            CHECK_EQ(store_send(&of->first, bytes, 0, 0, 0), -EAGAIN);
            struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
            CHECK_EQ(store_receive(&of->first, &message, FERRY_ANY, 0, 0), (ssize_t)sizes[i]);
            store_object_remove(of);
        }
}

TEST(an_unbounded_queue_grows_and_shrinks) /* Q3 */
{
    enum { SIZE = 1 << 20, COUNT = 40 };
    struct store_object *of = store_object_make((struct flow_shape){
        .flags = FERRY_UNBOUNDED, .messages = 1000, .bytes = COUNT * SIZE, .largest = SIZE});
    char *bytes = malloc(SIZE);
    CHECK(bytes != NULL);
    int fd = region_reopen_data(&of->object.region, FERRY_READ);
    CHECK_OK(fd);
    struct stat status;
    CHECK_ERRNO(fstat(fd, &status));
    CHECK(status.st_blocks * 512 < SIZE);
    for (int i = 0; i < COUNT; i++) {
        memset(bytes, i, SIZE);
        CHECK_OK(store_send(&of->first, bytes, SIZE, 0, 0));
    }
    CHECK_EQ(store_send(&of->first, bytes, 1, 0, 0), -EAGAIN);
    CHECK_ERRNO(fstat(fd, &status));
    CHECK(status.st_blocks * 512 >= COUNT * SIZE);
    for (int i = 0; i < COUNT; i++) {
        struct ferry_message message = {.bytes = bytes, .size_bytes = SIZE};
        CHECK_EQ(store_receive(&of->first, &message, FERRY_ANY, 0, 0), SIZE);
        CHECK_EQ(bytes[0], i);
        CHECK_EQ(bytes[SIZE - 1], i);
    }
    CHECK_ERRNO(fstat(fd, &status));
    CHECK(status.st_blocks * 512 < 8 * SIZE);
    close(fd);
    free(bytes);
    store_object_remove(of);
}

/* ---- What choosing costs ----------------------------------------------------------------------- */

/* How many branches lead to a type's list. */
static uint32_t depth_of(struct store *store, uint64_t type)
{
    struct pages *pages = malloc(sizeof(*pages));
    CHECK(pages != NULL);
    pages_init(pages, store);
    uint32_t reference = pages_roots(pages)->tries[TRIE_TYPES], depth = 0;
    for (; (reference & 1) != 0; depth++) {
        const struct store_list *list = pages_list(pages, reference >> 1);
        uint32_t bit = list->bits[TRIE_TYPES];
        reference = list->children[TRIE_TYPES][bit < 64 ? type >> (63 - bit) & 1 : 0];
    }
    CHECK_EQ(pages_list(pages, reference >> 1)->type, type);
    free(pages);
    return depth;
}

TEST_LONG(a_hundred_thousand_types_cost_little_more_than_ten, 60) /* Q2 */
{
    enum { MANY = 100000 };
    struct store_object *of = store_object_make((struct flow_shape){
        .flags = FERRY_TYPES, .messages = MANY + 1, .bytes = MANY * 100, .largest = 100});
    for (uint64_t type = 0; type < MANY; type++)
        CHECK_OK(store_send(&of->first, &type, sizeof(type), type, 0));
    for (uint64_t type = 0; type < MANY; type += 997)
        CHECK(depth_of(store_of(&of->first), type) <= 17);
    /* And what a reception changes is as little as ever. */
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t type = i * 7919 % MANY, bytes;
        struct ferry_message message = {.bytes = &bytes, .size_bytes = sizeof(bytes)};
        CHECK_EQ(store_receive(&of->first, &message, FERRY_OF_TYPE, type, 0), 8);
        CHECK_EQ(bytes, type);
    }
    CHECK_EQ(messages_in(&of->first), 0);
    store_object_remove(of);
}

/* ---- Nonsense ---------------------------------------------------------------------------------- */

struct chaos {
    struct store_object *of;
    uint64_t random;
};

static uint32_t draw(struct chaos *chaos, uint32_t below)
{
    chaos->random = chaos->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(chaos->random >> 33) % below;
}

static void check_result(ssize_t r)
{
    CHECK(r >= 0 || r == -EAGAIN || r == -EBADMSG || r == -EMSGSIZE || r == -ENOBUFS ||
          r == -EINVAL || r == -ENOSPC);
}

static void do_something(struct chaos *chaos)
{
    static char bytes[5000];
    struct flow *flow = &chaos->of->first;
    const struct flow_engine *engine = flow->engine;
    struct ferry_message message = {.bytes = bytes, .size_bytes = sizeof(bytes)};
    const struct ferry_choice choice = {.selection = draw(chaos, 4), .type = draw(chaos, 5)};
    struct ferry_queue_statistics statistics;
    void *loan;
    switch (draw(chaos, 8)) {
    case 0:
    case 1:
    case 2:
        check_result(store_send(flow, bytes, draw(chaos, 5000), draw(chaos, 5), draw(chaos, 3)));
        break;
    case 3:
    case 4:
        check_result(engine->try_receive(flow, &message, &choice, CLOCK_NEVER));
        break;
    case 5:
        check_result(engine->drop_oldest(flow, CLOCK_NEVER));
        break;
    case 6:
        check_result(engine->measure(flow, &statistics));
        engine->has_room(flow, 100);
        ssize_t n = engine->try_take(flow, &message, &choice, CLOCK_NEVER);
        check_result(n);
        if (n >= 0)
            check_result(engine->release(flow, message.bytes, CLOCK_NEVER));
        break;
    default:;
        int r = engine->try_loan(flow, &loan, 500, CLOCK_NEVER);
        check_result(r);
        if (r == 0) {
            memset(loan, 1, 500);
            check_result(engine->return_loan(flow, loan, CLOCK_NEVER));
        }
    }
}

static void spoil(struct chaos *chaos)
{
    struct store *store = store_of(&chaos->of->first);
    uint32_t words = (store->shape.lines - STORE_BOOKS) * STORE_WORDS;
    /* Mostly where something is. */
    uint32_t word = draw(chaos, 4) != 0   ? draw(chaos, 16 * STORE_WORDS)
                    : draw(chaos, 2) != 0 ? (STORE_EXTENTS - STORE_BOOKS) * STORE_WORDS +
                                                draw(chaos, 40 * STORE_WORDS)
                                          : draw(chaos, words);
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      3,
                                      UINT32_MAX,
                                      UINT64_MAX,
                                      UINT64_C(1) << 32,
                                      STORE_FREE,
                                      STORE_QUEUED,
                                      (UINT64_C(1) << 32) | 5};
    uint64_t value = draw(chaos, 2) != 0 ? values[draw(chaos, 10)]
                                         : (uint64_t)draw(chaos, 100) << 32 | draw(chaos, 100);
    atomic_store(&store->index->words[word], value);
}

static void run_chaos(unsigned flags, uint64_t seed)
{
    struct chaos chaos = {.random = seed};
    chaos.of = store_object_make((struct flow_shape){.flags = flags,
                                                     .overflow = FERRY_OVERFLOW_DROP_OLDEST,
                                                     .messages = 30,
                                                     .bytes = 20000,
                                                     .largest = 5000});
    uint64_t *whole;
    struct store *store = store_of(&chaos.of->first);
    size_t bytes = (store->shape.lines - STORE_BOOKS) * (size_t)STORE_LINE_BYTES;
    whole = malloc(bytes);
    CHECK(whole != NULL);
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 20; i++)
            do_something(&chaos);
        for (size_t i = 0; i < bytes / 8; i++)
            whole[i] = atomic_load(&store->index->words[i]);
        for (int i = 0; i < 30; i++) {
            if (i % 6 == 0)
                spoil(&chaos);
            do_something(&chaos);
        }
        for (size_t i = 0; i < bytes / 8; i++)
            atomic_store(&store->index->words[i], whole[i]);
        holdings_forget(store);
    }
    free(whole);
    store_object_remove(chaos.of);
}

TEST_LONG(nonsense_costs_the_queue_and_not_the_process, 120) /* G11 */
{
    uint64_t seeds = test_thorough() ? 200 : 5;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        run_chaos(0, seed);
        run_chaos(FERRY_TYPES, seed);
        run_chaos(FERRY_PRIORITIES, seed);
        run_chaos(FERRY_TYPES | FERRY_PRIORITIES, seed);
        run_chaos(FERRY_TYPES | FERRY_UNBOUNDED, seed);
    }
}

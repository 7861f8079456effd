/* Messages in their lists, one for each type and priority, and which comes first.  See store_trie.c for how that is found.
 *
 * A list is there while it has messages.  In the trie of firsts there is one list for each type, that of its highest
 * priority: so "the first that is not of this type" is one of its first two.  Where there are priorities, all messages are in one more
 * list, by arrival; elsewhere the first of the first list is the oldest. */
#include "shared/store_inside.h"

static bool has_lows(const struct pages *pages)
{
    const struct flow_shape *shape = &pages->store->flow->shape;
    return (shape->flags & FERRY_PRIORITIES) != 0 && shape->overflow == FERRY_OVERFLOW_DROP_OLDEST;
}

/* May there be several lists of a type? */
static bool has_ranks(const struct pages *pages)
{
    return (pages->store->flow->shape.flags & FERRY_PRIORITIES) != 0;
}

/* ---- Lists come and go ------------------------------------------------------------------------- */

static uint32_t list_alloc(struct pages *pages)
{
    const struct store_books *books = pages_books(pages);
    uint32_t number = books->spare_list;
    if (number != 0)
        CHANGE(books, spare_list) = PAGES_LOOK(pages, list_line(pages, number), list, head);
    else if (books->fresh_list <= pages->store->shape.lists)
        number = CHANGE(books, fresh_list)++;
    else
        pages->damaged = true; /* each has a message, of which there are as many */
    pages_fresh(pages, list_line(pages, number));
    return number;
}

/* The list has a first message, which it had not before. */
static void enter(struct pages *pages, uint32_t number)
{
    const struct store_list *list = pages_list(pages, number);
    uint32_t best = has_ranks(pages) ? trie_of_type(pages, list->type) : 0;
    trie_insert(pages, TRIE_TYPES, number);
    if (has_lows(pages))
        trie_insert(pages, TRIE_LOWS, number);
    if (best != 0 && pages_list(pages, best)->priority > list->priority)
        return;
    if (best != 0)
        trie_remove(pages, TRIE_FIRSTS, best);
    trie_insert(pages, TRIE_FIRSTS, number);
}

/* Another message is its first one now, of that number; or there is none any more. */
static void advance(struct pages *pages, uint32_t number, uint64_t first)
{
    const struct store_list *list = pages_list(pages, number);
    bool is_gone = list->head == 0;
    bool is_best = !has_ranks(pages) || trie_of_type(pages, list->type) == number;
    bool moves = is_best && (is_gone || !trie_stays(pages, TRIE_FIRSTS, number, first));
    bool moves_low = has_lows(pages) && (is_gone || !trie_stays(pages, TRIE_LOWS, number, first));
    if (moves)
        trie_remove(pages, TRIE_FIRSTS, number);
    if (moves_low)
        trie_remove(pages, TRIE_LOWS, number);
    CHANGE(list, first) = first;
    if (!is_gone) {
        if (moves)
            trie_insert(pages, TRIE_FIRSTS, number);
        if (moves_low)
            trie_insert(pages, TRIE_LOWS, number);
        return;
    }
    trie_remove(pages, TRIE_TYPES, number);
    uint32_t best = has_ranks(pages) ? trie_of_type(pages, list->type) : 0;
    if (best != 0 && is_best)
        trie_insert(pages, TRIE_FIRSTS, best);
    const struct store_books *books = pages_books(pages);
    CHANGE(list, head) = books->spare_list;
    CHANGE(books, spare_list) = number;
}

/* ---- Messages come and go ---------------------------------------------------------------------- */

static void link_by_arrival(struct pages *pages, uint32_t number)
{
    const struct store_books *books = pages_books(pages);
    const struct store_extent *message = pages_extent(pages, number);
    CHANGE(message, older) = books->newest;
    CHANGE(message, newer) = 0;
    if (books->newest != 0)
        CHANGE(pages_extent(pages, books->newest), newer) = number;
    else
        CHANGE(books, oldest) = number;
    CHANGE(books, newest) = number;
}

static void unlink_by_arrival(struct pages *pages, const struct store_extent *message)
{
    const struct store_books *books = pages_books(pages);
    if (message->older != 0)
        CHANGE(pages_extent(pages, message->older), newer) = message->newer;
    else
        CHANGE(books, oldest) = message->newer;
    if (message->newer != 0)
        CHANGE(pages_extent(pages, message->newer), older) = message->older;
    else
        CHANGE(books, newest) = message->older;
}

void select_link(struct pages *pages, uint32_t number)
{
    const struct store_books *books = pages_books(pages);
    const struct store_extent *message = pages_extent(pages, number);
    pages_loosen_message(message);
    CHANGE(message, owner) = STORE_QUEUED;
    CHANGE(message, number) = ++CHANGE(books, numbers);
    CHANGE(message, next) = 0;
    CHANGE(books, messages)++;
    CHANGE(books, bytes) += message->size;
    if (has_ranks(pages))
        link_by_arrival(pages, number);
    uint32_t at = trie_exact(pages, message->type, message->priority);
    if (at != 0) {
        const struct store_list *list = pages_list(pages, at);
        CHANGE(pages_extent(pages, list->tail), next) = number;
        CHANGE(list, tail) = number;
        return;
    }
    at = list_alloc(pages);
    const struct store_list *list = pages_list(pages, at);
    CHANGE(list, type) = message->type;
    CHANGE(list, priority) = message->priority;
    CHANGE(list, first) = message->number;
    CHANGE(list, head) = number;
    CHANGE(list, tail) = number;
    enter(pages, at);
}

uint32_t select_unlink(struct pages *pages, uint32_t at)
{
    const struct store_books *books = pages_books(pages);
    const struct store_list *list = pages_list(pages, at);
    uint32_t number = list->head;
    const struct store_extent *message = pages_extent(pages, number);
    if (message->owner != STORE_QUEUED || message->number != list->first || books->messages == 0 ||
        books->bytes < message->size)
        pages->damaged = true;
    if (pages->damaged)
        return 0;
    CHANGE(books, messages)--;
    CHANGE(books, bytes) -= message->size;
    if (has_ranks(pages))
        unlink_by_arrival(pages, message);
    uint32_t next = message->next;
    CHANGE(list, head) = next;
    advance(pages, at, next == 0 ? 0 : PAGES_LOOK(pages, extent_line(pages, next), extent, number));
    return number;
}

/* ---- Which ------------------------------------------------------------------------------------- */

uint32_t select_find(struct pages *pages, const struct ferry_choice *choice)
{
    uint32_t list;
    switch (choice ? choice->selection : FERRY_ANY) {
    case FERRY_OF_TYPE:
        return trie_of_type(pages, choice->type);
    case FERRY_UP_TO:
        list = trie_first(pages, TRIE_TYPES);
        return list != 0 && pages_list(pages, list)->type <= choice->type ? list : 0;
    case FERRY_EXCEPT:
        list = trie_first(pages, TRIE_FIRSTS);
        if (list != 0 && pages_list(pages, list)->type == choice->type)
            list = trie_second(pages, TRIE_FIRSTS);
        return list;
    default:
        return trie_first(pages, TRIE_FIRSTS);
    }
}

uint32_t select_to_drop(struct pages *pages)
{
    return trie_first(pages, has_lows(pages) ? TRIE_LOWS : TRIE_FIRSTS);
}

uint32_t select_oldest(struct pages *pages)
{
    if (has_ranks(pages))
        return pages_books(pages)->oldest;
    uint32_t list = trie_first(pages, TRIE_FIRSTS);
    return list == 0 ? 0 : pages_list(pages, list)->head;
}

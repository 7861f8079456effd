/* Messages in their lists, one for each type and priority, and which comes first.  See store_trie.c for how that is found.
 *
 * A list is there while it has messages.  In the trie of firsts there is one list for each type, that of its highest
 * priority: so "the first that is not of this type" is one of its first two.  All messages are in one more list, by arrival. */
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
    struct store_books *books = pages_books(pages);
    uint32_t number = books->spare_list;
    if (number != 0)
        books->spare_list = pages_list(pages, number)->head;
    else if (books->fresh_list <= pages->store->shape.lists)
        number = books->fresh_list++;
    else
        pages->damaged = true; /* each has a message, of which there are as many */
    pages_list(pages, number);
    pages_mark_fresh(pages, pages->store->shape.lists_at + number);
    return number;
}

/* The list has a first message, which it had not before. */
static void enter(struct pages *pages, uint32_t number)
{
    struct store_list *list = pages_list(pages, number);
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
    struct store_list *list = pages_list(pages, number);
    bool is_best = !has_ranks(pages) || trie_of_type(pages, list->type) == number;
    if (is_best)
        trie_remove(pages, TRIE_FIRSTS, number);
    if (has_lows(pages))
        trie_remove(pages, TRIE_LOWS, number);
    list->first = first;
    if (list->head != 0) {
        if (is_best)
            trie_insert(pages, TRIE_FIRSTS, number);
        if (has_lows(pages))
            trie_insert(pages, TRIE_LOWS, number);
        return;
    }
    trie_remove(pages, TRIE_TYPES, number);
    uint32_t best = has_ranks(pages) ? trie_of_type(pages, list->type) : 0;
    if (best != 0 && is_best)
        trie_insert(pages, TRIE_FIRSTS, best);
    struct store_books *books = pages_books(pages);
    list->head = books->spare_list;
    books->spare_list = number;
}

/* ---- Messages come and go ---------------------------------------------------------------------- */

static void link_by_arrival(struct pages *pages, uint32_t number)
{
    struct store_books *books = pages_books(pages);
    struct store_extent *message = pages_extent(pages, number);
    message->older = books->newest;
    message->newer = 0;
    if (books->newest != 0)
        pages_extent(pages, books->newest)->newer = number;
    else
        books->oldest = number;
    books->newest = number;
}

static void unlink_by_arrival(struct pages *pages, const struct store_extent *message)
{
    struct store_books *books = pages_books(pages);
    if (message->older != 0)
        pages_extent(pages, message->older)->newer = message->newer;
    else
        books->oldest = message->newer;
    if (message->newer != 0)
        pages_extent(pages, message->newer)->older = message->older;
    else
        books->newest = message->older;
}

void select_link(struct pages *pages, uint32_t number)
{
    struct store_books *books = pages_books(pages);
    struct store_extent *message = pages_extent(pages, number);
    message->owner = STORE_QUEUED;
    message->number = ++books->numbers;
    message->next = 0;
    books->messages++;
    books->bytes += message->size;
    link_by_arrival(pages, number);
    uint32_t at = trie_exact(pages, message->type, message->priority);
    if (at != 0) {
        struct store_list *list = pages_list(pages, at);
        pages_extent(pages, list->tail)->next = number;
        list->tail = number;
        return;
    }
    at = list_alloc(pages);
    struct store_list *list = pages_list(pages, at);
    list->type = message->type;
    list->priority = message->priority;
    list->first = message->number;
    list->head = list->tail = number;
    enter(pages, at);
}

uint32_t select_unlink(struct pages *pages, uint32_t at)
{
    struct store_books *books = pages_books(pages);
    struct store_list *list = pages_list(pages, at);
    uint32_t number = list->head;
    struct store_extent *message = pages_extent(pages, number);
    if (message->owner != STORE_QUEUED || message->number != list->first || books->messages == 0 ||
        books->bytes < message->size)
        pages->damaged = true;
    if (pages->damaged)
        return 0;
    books->messages--;
    books->bytes -= message->size;
    unlink_by_arrival(pages, message);
    list->head = message->next;
    advance(pages, at, list->head != 0 ? pages_extent(pages, list->head)->number : 0);
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

uint32_t select_oldest(struct pages *pages)
{
    return trie_first(pages, has_lows(pages) ? TRIE_LOWS : TRIE_FIRSTS);
}

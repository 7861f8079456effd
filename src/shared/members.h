/* Coming, going, and being found dead.
 *
 * Each is one journalled change of the slot's entry and the ledger, so the ledger is exact at rest:
 * attaches = detaches + deaths + entries taken. */
#ifndef FERRY_MEMBERS_H
#define FERRY_MEMBERS_H

#include "os/clock.h"
#include "shared/slots.h"

/* How long coming and going waits for a peer that was stopped in the middle of the same. */
#define MEMBERS_PATIENCE_NS INT64_C(2000000000)

/* Claims a slot and enters it.  What slots_claim() and journal_lock() return. */
int members_join(struct slots *slots);

/* Makes ready a slot that is claimed already and will be entered by whoever opens a parcel, with that role:
 * says that it is in one, and strikes off whoever died in it. */
int members_offer(struct slots *slots, uint32_t role);

/* Enters a slot that is claimed already. */
int members_enter(struct slots *slots);

/* Changes what this member says of itself. */
void members_change_role(struct slots *slots, uint32_t role);

/* This member has its end of a pipe now: whoever enters after this finds the pipe held. */
int members_gain_end(struct slots *slots);

/* Leaves: the slot is free once lock_fd is closed.  If a stopped peer is in the way, we are simply
 * found dead later. */
void members_leave(struct slots *slots);

/* Puts our own pid into an entry that another process entered for us. */
void members_sign(struct slots *slots);

/* If the slot's member is dead, strikes it from the books.  -ETIMEDOUT if the inner lock cannot be
 * had in time; `end` may be now, for who only tries. */
int members_reap(struct slots *slots, uint32_t slot, deadline end);

/* Does so with all.  False: not with all, for the inner lock could not be had at once; who has it may be doing it. */
bool members_reap_all(struct slots *slots);

#endif

/* Layout version 1, frozen: every byte of what a set of semaphores has behind the members, before the rows of what each owes,
 * as FROZEN(field, offset, width).  As with layout.h, this list never changes again. */
FROZEN(commit, 0, 4)
FROZEN(reserved1, 4, 60)
FROZEN(records, 64, 8320)
FROZEN(values, 8384, 2048)
FROZEN(debtors.words, 10432, 512)
FROZEN(reserved2, 10944, 1344)

/* What a case may not leave behind in its own process and in its root. */
#ifndef FERRY_TEST_LEFTOVERS_H
#define FERRY_TEST_LEFTOVERS_H

/* Remembers what is open before the body runs. */
void leftovers_before(void);

/* Reports as failures what is there after it that was not before. */
void leftovers_check(void);

#endif

/* The private root directory of a case: its named objects collide with nobody's. */
#ifndef FERRY_TEST_ROOT_H
#define FERRY_TEST_ROOT_H

/* Makes a new one and sets $FERRY_ROOT to it. */
void root_make(void);

/* Removes it with all that is in it. */
void root_remove(void);

#endif

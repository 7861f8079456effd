/* Semaphores for the verbs that use one. */
#ifndef FERRY_CLI_SEMAPHORE_H
#define FERRY_CLI_SEMAPHORE_H

#include <ferry/ferry.h>

/* Opens an existing one by its name: 0, or an exit status after a complaint. */
int semaphore_open(ferry_semaphore **ret_semaphore, const char *name);

/* For CLEANUP(). */
void semaphore_cleanup(ferry_semaphore **semaphore);

#endif

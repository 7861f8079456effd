/* How long a survivor waits for a paused victim.
 *
 * A survivor may wait for a lock that a paused victim holds.  The harness, which called the
 * survivor, is then waiting, too, so a timer lets the victim go on: as soon as it finds the survivor asleep twice running, or
 * after ten milliseconds. */
#ifndef KILL_PATIENCE_H
#define KILL_PATIENCE_H

#include <stdbool.h>

#include "trace.h"

/* Lets the standing victim go on if the survivor waits, unless patience_end() is called before.  There is one patience at a time.
 * Uses SIGPROF, which interrupts whatever the survivor waits in.  0, or -errno. */
int patience_begin(struct tracee *tracee);

/* Was the victim let go?  If so, tracee_await() tells what becomes of it. */
bool patience_end(void);

#endif

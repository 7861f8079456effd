/* Ferry: interprocess communication for Linux.  This header takes in one header per mechanism;
 * include it alone and link with -lferry (pkg-config ferry). */
#ifndef FERRY_FERRY_H
#define FERRY_FERRY_H

#include <ferry/base.h>
#include <ferry/segment.h>
#include <ferry/pipe.h>
#include <ferry/queue.h>
#include <ferry/semaphore.h>
#include <ferry/mutex.h>
#include <ferry/rwlock.h>
#include <ferry/condition.h>
#include <ferry/barrier.h>
#include <ferry/inspect.h>

#endif

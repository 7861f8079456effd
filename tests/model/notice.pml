/* A model of src/shared/notice.c for Spin: two senders give a notice each, two sleepers wait for
 * news, and either sender and the second sleeper may be killed before any of their steps.  A step is
 * one access to shared memory, all sequentially consistent, as in the code; a system call is one.
 *
 * Checked: when nothing can move any more, nobody is asleep beside a version it has not seen.
 *
 *     spin -a notice.pml && cc -DSAFETY -O2 -o pan pan.c && ./pan
 *
 * With -DPLANTED to spin, a sender publishes first and wakes afterwards, in two steps, as is usual;
 * the check must fail then.
 *
 * holds:
 * fails: -DPLANTED
 */

byte version = 0;
byte mark[2];               /* the senders' */
bool sender_dead[2];
bool on_board[2];           /* the sleepers' bits */
bool asleep[2];             /* queued on the futex */
bool sleeper_dead[2];
byte known[2];              /* the version each sleeper has seen */

#define MAY_DIE(flag) if :: flag = true; goto dead :: true fi

proctype sender(byte me)
{
    bool seen;
    MAY_DIE(sender_dead[me]);
    mark[me] = 1;
    MAY_DIE(sender_dead[me]);
    seen = on_board[0];
    MAY_DIE(sender_dead[me]);
    seen = seen || on_board[1];
    MAY_DIE(sender_dead[me]);
    if
    :: seen ->
        mark[me] = 0;
        MAY_DIE(sender_dead[me]);
#ifdef PLANTED
        version++;
        MAY_DIE(sender_dead[me]);
        atomic { asleep[0] = false; asleep[1] = false }
#else
        atomic { version++; asleep[0] = false; asleep[1] = false } /* FUTEX_WAKE_OP */
#endif
    :: else ->
        version++;
        MAY_DIE(sender_dead[me]);
        mark[me] = 0
    fi;
dead:
    skip
}

/* settle(): one mark is down, or its bearer dead (then it is struck off), or there is news. */
inline settle(me, whose)
{
    (mark[whose] == 0 || sender_dead[whose] || version != known[me]);
    if
    :: sender_dead[whose] -> mark[whose] = 0
    :: else
    fi
}

proctype sleeper(byte me)
{
    do
    :: me == 1 -> sleeper_dead[me] = true; goto dead
    :: version != known[me] -> known[me] = version
    :: version == known[me] ->
        on_board[me] = true;
        settle(me, 0);
        settle(me, 1);
        atomic { /* futex_wait() compares and queues */
            if
            :: version == known[me] -> asleep[me] = true
            :: else
            fi
        };
        if
        :: !asleep[me]
        :: me == 1 -> sleeper_dead[me] = true; goto dead
        fi;
        on_board[me] = false
    od;
dead:
    skip
}

active proctype check()
{
    timeout;
    assert(!(asleep[0] && known[0] != version));
    assert(!(asleep[1] && known[1] != version && !sleeper_dead[1]))
}

init
{
    atomic {
        run sender(0);
        run sender(1);
        run sleeper(0);
        run sleeper(1)
    }
}

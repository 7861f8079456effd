# Mutexes and what stands on them on the command line: lock, new, wait, post, and what show says of them.
. "${0%/*}/lib.bash"

a_command_runs_with_the_mutex() { # U6 E5
    [[ $(ferry lock m -- echo in) == in ]] || fail "the command did not run"
    json "d['kind'] == 'mutex' and d['lock_count'] == 1 and d['lock_owner_pid'] is None" ferry show m --json
    json "d['attached'] == 0 and d['dead'] == 0 and d['death_count'] == 0" ferry show m --json
}

# status_of STATUS COMMAND…: it ends with that.
status_of()
{
    local wanted=$1 status=0
    shift
    "$@" >/dev/null 2>&1 || status=$?
    [[ $status == "$wanted" ]] || fail "$* ended with $status, not $wanted"
}

its_status_is_the_commands() { # U5
    status_of 7 ferry lock m -- sh -c 'exit 7'
    status_of 0 ferry lock m -- true
    status_of 2 ferry lock m -- sh -c 'exit 2'
    status_of $((128 + 9)) ferry lock m -- sh -c 'kill -9 $$'
    status_of $((128 + 15)) ferry lock m -- sh -c 'kill -TERM $$'
    fails 127 'no-such-command: there is no such command' ferry lock m -- no-such-command
    fails 126 'Permission denied' ferry lock m -- /etc/passwd
    fails 2 'lock needs NAME -- COMMAND' ferry lock m
    silent ferry new segment s --size 1
    fails 125 '"s" is a segment, not a mutex' ferry lock s -- true
    FERRY_ROOT=/nowhere status_of 125 ferry lock m -- true
}

options_behind_the_dashes_are_the_commands() { # U5
    [[ $(ferry lock m -- printf '%s,' --timeout 1s -x) == --timeout,1s,-x, ]] || fail "not as they were"
}

# Holds the mutex $1 in the background until let_go; $holder is who does.
holding()
{
    mkfifo stay
    "$FERRY" lock "$1" -- sh -c 'touch inside; read -r _ <stay' &
    holder=$!
    eventually test -e inside
}

let_go()
{
    echo >stay
}

who_waits_in_vain_gives_up() { # G7 U5
    holding m
    fails 124 'the lock was not free in time' ferry lock --timeout 20ms m -- true
    fails 124 'somebody has the lock' ferry lock --timeout 0 m -- true
    let_go
    wait "$holder" || fail "the holder ended with $?"
    silent ferry lock --timeout 0 m -- true
}

show_names_who_holds_it_and_who_waits() { # G13 E7
    holding m
    "$FERRY" lock m -- true &
    local waiter=$!
    eventually shows m "[x['pid'] for x in d['members'] if x['wants_lock']] == [$waiter]"
    json "[x['pid'] for x in d['members'] if x['holds_lock']] == [$holder] and d['lock_owner_pid'] == $holder" \
        ferry show m --json
    ferry show m >shown
    grep -q 'holds it for its command' shown || fail "the holder is not named"
    grep -q 'waits for it' shown || fail "the waiter is not named"
    let_go
    wait "$waiter" "$holder" || fail "one ended with $?"
}

one_at_a_time() { # E1 E5
    local worker workers=()
    echo 0 >count
    for worker in 1 2 3 4; do
        for _ in {1..10}; do ferry lock m -- sh -c 'read n <count; echo $((n + 1)) >count'; done &
        workers+=($!)
    done
    wait "${workers[@]}"
    [[ $(<count) == 40 ]] || fail "40 steps came to $(<count)"
}

the_command_dies_with_its_holder() { # E5 G8
    "$FERRY" lock m -- sleep 1000 &
    local holder=$! command
    eventually pgrep -P "$holder" -x sleep
    command=$(pgrep -P "$holder")
    kill -9 "$holder"
    wait "$holder" 2>/dev/null
    eventually gone "$command"
    [[ $(ferry lock m -- sh -c 'echo $FERRY_OWNER_DIED') == 1 ]] || fail "the next one was not told"
    [[ -z $(ferry lock m -- sh -c 'echo $FERRY_OWNER_DIED') ]] || fail "the one behind it was told, too"
}

signals_go_on_to_the_command() { # U5
    mkfifo never
    "$FERRY" lock m -- bash -c 'trap "exit 9" TERM; exec 3<>never; touch inside; read -r _ <&3' &
    local holder=$! status=0
    eventually test -e inside
    kill -TERM "$holder"
    wait "$holder" || status=$?
    [[ $status == 9 ]] || fail "it ended with $status"
}

mutexes_are_made_and_compared() { # U6
    silent ferry new mutex m
    silent ferry new mutex m
    fails 1 'is there already, it is not recursive; .*ferry rm m' ferry new mutex m --recursive
    silent ferry new mutex r --recursive
    fails 1 'it is recursive' ferry new mutex r
    fails 2 '\-\-recursive is for mutexes' ferry new pipe p --recursive
    fails 2 'a mutex has none' ferry new mutex n --size 8
    ferry show r | grep -q 'free (recursive)' || fail "show does not say so"
    silent ferry new mutex i --inherit
    fails 1 'it lends priorities' ferry new mutex i
    json "d['inherits'] and not d['recursive']" ferry show i --json
    silent ferry lock i -- true
}

a_condition_belongs_to_a_mutex() { # U2 E6
    fails 2 'a condition belongs to a mutex: --mutex NAME' ferry new condition c
    silent ferry new condition c --mutex m
    silent ferry new condition c --mutex m
    fails 1 'it belongs to the mutex "m", not "n"' ferry new condition c --mutex n
    json "d['mutex'] == 'm'" ferry show c --json
    fails 2 '\-\-mutex is for conditions' ferry new mutex x --mutex m
    fails 3 'there is no' ferry wait missing
}

who_waits_for_it_is_told() { # E6
    silent ferry new condition c --mutex m
    ferry wait c &
    local one=$!
    ferry wait c &
    local other=$!
    eventually shows c "d['sleeper_count'] == 2"
    silent ferry post c --all
    wait "$one" && wait "$other" || fail "one ended with $?"
    fails 3 'nobody told in time' ferry wait c --timeout 20ms
    silent ferry post c
    fails 2 '\-\-all is for conditions' ferry post missing --all
}

readers_share_and_a_writer_does_not() { # E6 U6
    [[ $(ferry lock --shared r -- "$FERRY" lock --shared --timeout 0 r -- echo in) == in ]] ||
        fail "two do not read at once"
    fails 124 'somebody' ferry lock --shared r -- "$FERRY" lock --timeout 0 r -- true
    fails 124 'somebody' ferry lock r -- "$FERRY" lock --shared --timeout 0 r -- true
    ferry lock --shared r -- "$FERRY" show r >shown
    grep -q 'reads, for its command' shown || fail "the reader is not named"
    json "d['kind'] == 'rwlock' and d['reader_count'] == 0 and d['lock_count'] > 0" ferry show r --json
    silent ferry new rwlock r
    silent ferry new mutex m
    fails 125 'is a mutex, which nobody shares' ferry lock --shared m -- true
}

so_many_meet_at_a_barrier() { # E6 U2
    silent ferry new barrier b --count 3
    ferry wait b &
    local one=$!
    ferry wait b &
    local other=$!
    eventually shows b "d['arrived_count'] == 2"
    ferry show b | grep -q 'round  *0; 2 of 3 have come' || fail "show does not say so"
    silent ferry wait b
    wait "$one" && wait "$other" || fail "one ended with $?"
    json "d['round'] == 1 and d['arrived_count'] == 0" ferry show b --json
    fails 3 'in time' ferry wait b --timeout 10ms
    fails 1 'it is for 3, not for 4' ferry new barrier b --count 4
    fails 2 'a barrier is for 1 to 4096 who meet there: --count N' ferry new barrier c
}

run_cases "$@"

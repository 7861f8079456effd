# ferry doctor: who waits for whom, deadlocks, and what the dead have left.
. "${0%/*}/lib.bash"

# The doctor finds something, and says so by its status.
doctor_fails()
{
    local status=0
    ferry doctor "$@" || status=$?
    [[ $status == 1 ]]
}

# Does that expression hold of `ferry doctor --json`, as `d`?
diagnosis()
{
    ferry doctor --json |
        python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' "$1"
}

where_all_is_well_it_says_nothing() { # E7 U4
    silent ferry doctor
    silent ferry new mutex m
    silent ferry new segment s --size 1
    silent ferry lock m -- true
    silent ferry doctor
    json "d == {'well': True, 'deadlocks': [], 'waits': [], 'findings': []}" ferry doctor --json
    fails 2 'doctor takes no operand' ferry doctor m
}

# Holds the first mutex until it is told to go on, then takes the second one; $! is who does.
hold_and_take()
{
    mkfifo "stay.$1"
    "$FERRY" lock "$1" -- sh -c "touch has.$1; read -r _ <stay.$1; exec '$FERRY' lock $2 -- true" &
}

go_on()
{
    echo >"stay.$1"
}

to_wait_is_no_fault() { # E7
    hold_and_take m n
    local holder=$!
    eventually test -e has.m
    "$FERRY" lock m -- true &
    local waiter=$!
    eventually diagnosis "d['waits'] == [{'process': $waiter, 'for_process': $holder, 'object': 'm'}] and d['well']"
    works ferry doctor
    [[ $(out) == "pid $waiter (ferry) waits for mutex m, which pid $holder (ferry) has" ]] || fail "$(out)"
    go_on m
    wait "$holder" "$waiter" || fail "one ended with $?"
}

two_crossed_locks_are_named() { # E7
    hold_and_take left right
    local one=$!
    hold_and_take right left
    local other=$!
    eventually test -e has.left
    eventually test -e has.right
    go_on left
    go_on right
    eventually diagnosis "len(d['deadlocks']) == 1"
    diagnosis "sorted(d['deadlocks'][0]['objects']) == ['left', 'right']" || fail "not these objects"
    diagnosis "len(d['deadlocks'][0]['processes']) == 4 and {$one, $other} < set(d['deadlocks'][0]['processes'])" ||
        fail "not these processes"
    doctor_fails >report || fail "the doctor says that all is well"
    grep -q "pid $one (ferry) waits for what it has started, pid [0-9]* (ferry)" report || fail "$(cat report)"
    local command
    command=$(pgrep -P "$one")
    kill -9 "$one" # and with it its command, which waits
    wait "$one" 2>/dev/null
    eventually gone "$command"
    wait "$other" || fail "the other one ended with $?"
}

who_reads_and_wants_to_write_is_stuck_with_himself() { # E7 E6
    "$FERRY" lock --shared r -- "$FERRY" lock r -- true &
    local reader=$! writer
    eventually diagnosis "len(d['deadlocks']) == 1 and set(d['deadlocks'][0]['objects']) == {'r'}"
    writer=$(pgrep -P "$reader")
    diagnosis "set(d['deadlocks'][0]['processes']) == {$reader, $writer}" || fail "not these processes"
    kill "$reader" # passes it on to its command
    wait "$reader" && fail "the reader got through"
    eventually gone "$writer"
}

what_the_dead_have_left_is_said() { # E5 E7 T2
    "$FERRY" lock m -- sleep 1000 &
    local holder=$!
    eventually pgrep -P "$holder" -x sleep
    local command
    command=$(pgrep -P "$holder")
    kill -9 "$holder"
    wait "$holder" 2>/dev/null
    eventually gone "$command"
    eventually diagnosis "[x['finding'] for x in d['findings']] == ['owner_died', 'dead_members']"
    doctor_fails >report || fail "the doctor says that all is well"
    grep -q "^mutex m: pid $holder had it and is dead; the next one that takes it is told" report || fail "$(cat report)"
    grep -q '^mutex m: 1 that died is still in its list; --fix strikes them off' report || fail "$(cat report)"
    [[ $(ferry lock m -- sh -c 'echo $FERRY_OWNER_DIED') == 1 ]] || fail "the next one was not told"
}

the_dead_are_struck_off() { # T2 G8
    ferry new semaphore s
    "$FERRY" wait s &
    local waiter=$!
    eventually shows s "d['sleeper_count'] == 1"
    kill -9 "$waiter"
    wait "$waiter" 2>/dev/null
    eventually diagnosis "[x['finding'] for x in d['findings']] == ['dead_members'] and not d['well']"
    json "d['well'] and d['findings'][0]['is_fixed']" ferry doctor --fix --json
    silent ferry doctor
    json "d['dead'] == 0 and d['death_count'] == 1" ferry show s --json
}

a_holder_that_is_stopped_is_named() { # E7
    hold_and_take m n
    local holder=$!
    eventually test -e has.m
    "$FERRY" lock m -- true &
    local waiter=$!
    kill -STOP "$holder"
    eventually diagnosis "[x['finding'] for x in d['findings']] == ['owner_stopped']"
    doctor_fails | grep -q "pid $holder has it and is stopped, and pid $waiter waits for it; kill -CONT $holder" ||
        fail "it does not say so"
    kill -CONT "$holder"
    go_on m
    wait "$holder" "$waiter" || fail "one ended with $?"
}

what_is_damaged_is_named() { # G9 T2
    ferry new mutex m
    printf x | dd of="$FERRY_ROOT/ferry.m" bs=1 conv=notrunc 2>/dev/null || true
    ls "$FERRY_ROOT" >files
    local control
    control=$(grep -m1 'm$' files)
    printf x | dd of="$FERRY_ROOT/$control" bs=1 conv=notrunc 2>/dev/null
    diagnosis "'damaged' in [x['finding'] for x in d['findings']]" || fail "it does not say so"
    ferry rm m
}

SEES_ONLY_ITS_OWN=yes
run_cases "$@"

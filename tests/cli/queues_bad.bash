# Queues on bad days: each is one clear line, and no message is lost.
. "${0%/*}/lib.bash"

bad_options_are_told() { # U3 U5
    fails 2 'there is no policy "drop-oldst"; did you mean "drop-oldest"\?; the policies are: block refuse' \
        ferry new queue q --overflow drop-oldst
    fails 2 'the policies are' ferry new queue q --overflow ''
    fails 2 'not a number' ferry new queue q --messages 1K
    fails 2 'holds at least one' ferry new queue q --messages 0
    fails 2 'at least one byte' ferry new queue q --bytes 0
    fails 2 'at least one byte' ferry new queue q --max 0
    fails 2 'choose one' ferry new queue q --rendezvous --unbounded
    fails 2 'said with --bytes' ferry new queue q --size 1M
    fails 2 'records is for pipes' ferry new queue q --records
    local option
    for option in --messages=5 --bytes=5 --max=5 --overflow=block --typed --priority --rendezvous --unbounded; do
        fails 2 "${option%=*} is for queues" ferry new pipe p "$option"
        fails 2 "${option%=*} is for queues" ferry new segment s --size 8 "$option"
    done
    fails 2 'less than 4294967296' ferry send q x --priority 4294967296
    fails 2 'not a number' ferry send q x --type=-1
    fails 2 'not a number' ferry send q x --type=x
    fails 2 'not a number' ferry send q x --type=18446744073709551616
    fails 2 'choose one' ferry receive q --type 1 --except 2
    fails 2 'choose one' ferry receive q --max-type 1 --type 2
    fails 2 'timeout' ferry send q x --timeout 5
    fails 2 'needs NAME' ferry send
    fails 2 'takes NAME' ferry receive q x
    fails 2 'has no slash' ferry send a/b x
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "something was made: $(ls -A "$FERRY_ROOT")"
}

what_is_too_much_is_told() { # G10 Q3
    fails 2 'at most 1048576 messages|at most' ferry new queue q --messages 99999999999
    fails 2 'at most' ferry new queue q --bytes 1T
    fails 2 . ferry new queue q --max 1T
    fails 2 . ferry new queue q --max 64K --bytes 1K
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "something was made: $(ls -A "$FERRY_ROOT")"
}

a_line_that_is_too_long_is_told() { # Q4 U4
    silent ferry new queue q --max 10
    fails 1 'line 3 is longer than the largest message of the queue "q", 10 bytes; those before it were sent; .*ferry new queue q --max 20' \
        eval 'printf "one\n1234567890\n12345678901\nfour\n" | ferry send q'
    prints $'one\n1234567890' ferry receive q --follow --timeout 0
    fails 1 'line 1 is longer' eval 'head -c 10000000 /dev/zero | ferry send q'
    fails 1 'line 1 is longer' eval 'head -c 11 /dev/zero | ferry send q'
    head -c 10 /dev/zero | ferry send q || fail "sending ended with $?"
    [[ $(ferry receive q | wc -c) == 11 ]] || fail "it is not 10 bytes and a line end"
}

a_long_text_is_told() { # Q4 U4
    silent ferry new queue q --max 4
    fails 1 'text of 5 bytes is longer than the largest message .* 4 bytes; 2 before it were sent' \
        ferry send q one two three four
    prints $'one\ntwo' ferry receive q --count 2
}

an_input_that_cannot_be_read_is_told() { # U4 U5
    fails 1 'standard input could not be read: Is a directory' eval 'ferry send q <.'
    fails 1 'standard input could not be read' eval 'ferry send q <&-'
    fails 3 'no message' ferry receive q --timeout 0
}

a_full_output_loses_nothing() { # U5 Q5
    silent ferry send q one two
    fails 1 'standard output could not be written: No space left' eval 'ferry receive q >/dev/full'
    fails 1 'standard output could not be written: No space left' eval 'ferry tap q >/dev/full'
    fails 1 'standard output could not be written' eval 'ferry receive q >&-'
    json "d['depth_messages'] == 2 and d['received_count'] == 0" ferry show q --json
    prints $'one\ntwo' ferry receive q --count 2
}

a_full_disk_loses_nothing() { # U5 Q5
    mkdir small
    mount -t tmpfs -o size=64k ferry-test small 2>/dev/null ||
        skip "mounting a small file system needs root's rights"
    trap 'umount small' EXIT
    silent ferry new queue q --max 8K --messages 100
    local i
    for ((i = 0; i < 40; i++)); do
        head -c 4000 /dev/zero | tr '\0' "$((i % 10))" | ferry send q
    done
    ferry receive q --follow --timeout 0 2>complaint >small/out && fail "it ended well"
    grep -q 'No space left.*the message is in the queue again' complaint || fail "$(cat complaint)"
    local whole
    whole=$(grep -cE '^.{4000}$' small/out)
    json "d['depth_messages'] == 40 - $whole" ferry show q --json
}

# A reader of the output that leaves: the command ends as cat would, and the queue keeps the rest.
a_reader_that_leaves_ends_it_quietly() { # U4 Q5
    printf "%s $(printf %0200d 0)\n" {1..1000} | ferry send q # more than goes into a pipe
    mkfifo broken
    "$FERRY" receive q --follow 2>errors >broken &
    local receiver=$! result=0 first
    exec {end}<broken
    read -r first _ <&"$end"
    exec {end}<&-
    wait "$receiver" || result=$?
    [[ $result == 141 && ! -s errors && $first == 1 ]] || fail "$result, $first: $(cat errors)"
    # What had gone into the pipe is gone; nothing else is.
    local left
    left=$(ferry receive q --follow --timeout 0 | cut -d ' ' -f 1 | sort -n)
    [[ $(tail -1 <<<"$left") == 1000 ]] || fail "the last one is gone"
    [[ $(wc -l <<<"$left") == "$(sort -un <<<"$left" | wc -l)" ]] || fail "some are there twice"
}

who_waits_sees_that_its_reader_has_gone() { # U4
    silent ferry new queue q
    mkfifo broken
    "$FERRY" receive q --follow 2>errors >broken &
    local receiver=$! result=0
    exec {end}<broken
    eventually shows q "d['members'][0]['waiting']"
    exec {end}<&-
    wait "$receiver" || result=$?
    [[ $result == 141 && ! -s errors ]] || fail "$result: $(cat errors)"
}

a_broken_output_is_said_where_the_signal_is_ignored() { # U4 U5
    silent ferry send q one two
    mkfifo broken
    (trap '' PIPE && exec "$FERRY" receive q --follow 2>errors >broken) &
    local receiver=$! result=0
    exec {end}<broken
    exec {end}<&-
    wait "$receiver" || result=$?
    [[ $result == 1 ]] && is_one_line errors && grep -q 'could not be written: Broken pipe' errors ||
        fail "$result: $(cat errors)"
}

a_slow_output_takes_no_more_than_it_can_hold() { # Q8
    local stuck
    mkfifo stuck
    exec {stuck}<>stuck
    silent ferry new queue q
    seq 100000 199999 | ferry send q &
    local sender=$!
    "$FERRY" receive q --follow >stuck {stuck}>&- &
    local slow=$!
    # Its output is full at 65,536 bytes; all others go to who can take them.
    "$FERRY" receive q --follow >got 2>complaint {stuck}>&- &
    local other=$!
    wait "$sender" || fail "the sender ended with $?"
    eventually shows q "d['depth_messages'] == 0"
    silent ferry rm q
    wait "$other" # until it has written all that it took
    grep -q 'was removed' complaint || fail "the other receiver: $(cat complaint)"
    local stuck_count
    stuck_count=$((100000 - $(wc -l <got)))
    ((stuck_count <= 65536 / 7 + 1)) || fail "$stuck_count went to the one that was stuck"
    kill "$slow"
    wait "$slow" 2>/dev/null
    exec {stuck}>&-
}

a_killed_sender_leaves_whole_messages() { # G8 Q5
    silent ferry new queue q --messages 64
    yes abcdefghijklmnopqrstuvwxyz | head -n 1000000 >in
    "$FERRY" receive q --follow >got &
    local receiver=$! i sent=0
    for ((i = 0; i < 8; i++)); do
        "$FERRY" send q <in &
        local doomed=$!
        eventually shows q "d['sent_count'] > $sent"
        kill -KILL "$doomed"
        wait "$doomed" 2>/dev/null
        sent=$(ferry show q --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["sent_count"])')
    done
    silent ferry send q last
    eventually grep -qx last got
    kill "$receiver"
    wait "$receiver" 2>/dev/null
    [[ $(tail -1 got) == last ]] || fail "the last message is $(tail -1 got)"
    grep -vxE 'abcdefghijklmnopqrstuvwxyz|last' got && fail "a torn message came out"
    json "d['depth_messages'] == 0 and d['sent_count'] == d['received_count'] == $(wc -l <got)" \
        ferry show q --json
}

a_killed_receiver_keeps_nobody_from_receiving() { # G8 Q8
    silent ferry new queue q --messages 64
    local i
    for ((i = 0; i < 8; i++)); do
        "$FERRY" receive q --follow >/dev/null &
        local doomed=$!
        seq 1 100 | ferry send q || fail "sending ended with $?"
        kill -KILL "$doomed"
        wait "$doomed" 2>/dev/null
    done
    ferry receive q --follow --timeout 0 >/dev/null
    silent ferry send q hello
    prints hello ferry receive q
}

a_full_root_is_a_clear_error() { # G10
    mount -t tmpfs -o size=64k ferry-test "$FERRY_ROOT" 2>/dev/null ||
        skip "mounting a small root needs root's rights"
    trap 'umount "$FERRY_ROOT"' EXIT
    fails 1 'full.*FERRY_ROOT' ferry send q hello
    fails 1 'full.*FERRY_ROOT' ferry new queue q
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "left behind: $(ls -A "$FERRY_ROOT")"
    silent ferry new queue q --bytes 4K --messages 8
    silent ferry send q hello
    prints hello ferry receive q
}

an_unbounded_queue_in_a_full_root_is_told() { # G10 Q3
    mount -t tmpfs -o size=4m ferry-test "$FERRY_ROOT" 2>/dev/null ||
        skip "mounting a small root needs root's rights"
    trap 'umount "$FERRY_ROOT"' EXIT
    silent ferry new queue q --unbounded
    try eval 'yes "$(head -c 4000 /dev/zero | tr "\0" x)" | head -n 5000 | ferry send q'
    [[ $status == 1 && $(err) =~ full|space|memory ]] || fail "$status: $(err)"
    ferry receive q --follow --timeout 0 >got || fail "receiving ended with $?"
    grep -vxE 'x{4000}' got && fail "a torn message came out"
    (($(wc -l <got) > 500)) || fail "only $(wc -l <got) went in"
}

no_descriptors_left_is_a_clear_error() { # G10
    silent ferry send q one
    local limit worked=
    for limit in 4 5 6 7 8 9 10 12 16; do
        try bash -c 'ulimit -n "$1" && exec "$FERRY" receive q --peek' bash "$limit"
        if [[ $status == 0 ]]; then
            worked=$limit
        else
            [[ $status == 1 && $(err) == *'ulimit -n'* ]] || fail "$limit: $status: $(err)"
        fi
    done
    [[ -n $worked ]] || fail "16 descriptors are not enough"
}

who_may_only_read_receives_and_does_not_send() { # G4
    [[ $(id -u) == 0 ]] || skip "giving up rights needs root's rights"
    command -v setpriv >/dev/null || skip "there is no setpriv"
    chmod 0777 "$FERRY_ROOT" && chmod 0711 "$CASE"
    (umask 0 && silent ferry new queue q --mode 0644)
    silent ferry send q one two
    local other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    fails 1 'permi|owner|trust' "${other[@]}" "$FERRY" send q three
}

a_plain_file_is_no_queue() { # G1 G9
    echo hello >"$FERRY_ROOT/ferry.q"
    fails 1 '"q".*(remove it|out of the root)' ferry send q x
    fails 1 '"q".*(remove it|out of the root)' ferry receive q
    fails 1 '"q".*(remove it|out of the root)' ferry tap q
    rm "$FERRY_ROOT/ferry.q"
}

run_cases "$@"

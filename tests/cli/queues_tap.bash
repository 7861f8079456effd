# Looking at a queue on the command line: tap sees what is sent, and takes nothing.
. "${0%/*}/lib.bash"

# Do so many members look on at q?
taps()
{
    shows q "len([m for m in d['members'] if m['role'] == 'look' and m['alive']]) == $1"
}

what_is_sent_is_seen_and_received() { # Q6 U8
    silent ferry new queue q
    silent ferry send q before
    ferry tap q --count 3 >seen &
    local tap=$!
    eventually taps 1
    silent ferry send q one '' $'two\nlines'
    wait $tap || fail "the tap ended with $?: $(cat complaint 2>&1)"
    [[ $(<seen) == $'one\n\ntwo\nlines' ]] || fail "it saw: $(<seen)"
    prints $'before\none\n\ntwo\nlines' ferry receive q --follow --timeout 0
}

a_tap_is_no_receiver() { # Q3 Q8
    silent ferry new queue q --rendezvous
    "$FERRY" tap q >seen & # itself, to be killed
    local tap=$!
    eventually taps 1
    fails 3 'nobody received' ferry send q x --timeout 20ms
    kill "$tap"
    wait "$tap" 2>/dev/null
}

it_ends_when_nothing_comes() { # U5 G7
    local flood
    silent ferry new queue q
    fails 3 'nothing was sent to the queue "q" in time' ferry tap q --timeout 20ms
    # Something comes all the time, and then nothing any more.
    silent ferry new queue busy --messages 10 --overflow drop-oldest
    exec {flood}> >(exec "$FERRY" send busy)
    yes >&"$flood" &
    local sender=$!
    exec {flood}>&-
    ferry tap busy --timeout 2s >seen 2>missed &
    local tap=$!
    eventually grep -q y seen
    kill "$sender"
    wait $tap || fail "the tap ended with $?"
}

all_that_is_not_seen_is_counted() { # U8
    local stuck drained
    mkfifo stuck
    exec {stuck}<>stuck
    silent ferry new queue q --messages 100
    "$FERRY" tap q >stuck 2>complaint {stuck}>&- &
    local tap=$!
    eventually taps 1
    seq 1 100000 | ferry send q {stuck}>&- &
    local sender=$!
    ferry receive q --count 100000 {stuck}>&- >received || fail "receiving ended with $?"
    wait $sender || fail "the sender ended with $?"
    seq 1 100000 | cmp - received || fail "the receiver got other lines"
    # The tap's output has been full for long: now it reads on.
    exec {drained}<stuck
    exec {stuck}>&-
    cat <&"$drained" >seen &
    local drain=$!
    exec {drained}<&-
    silent ferry send q 100001
    eventually grep -qx 100001 seen
    kill "$tap"
    wait $tap 2>/dev/null
    wait $drain
    local missed
    missed=$(sed -n 's/^ferry: \([0-9,]*\) messages went by too fast to be seen$/\1/p' complaint |
        tr -d , | paste -sd+ | bc)
    ((missed > 0)) || fail "nothing was missed: $(cat complaint)"
    (($(wc -l <seen) + missed == 100001)) || fail "$(wc -l <seen) seen, $missed missed"
    sort -nuc seen || fail "what was seen is out of order"
}

a_reader_that_leaves_ends_it_quietly() { # U4
    silent ferry new queue q
    mkfifo broken
    "$FERRY" tap q 2>errors >broken &
    local tap=$! result=0 end
    exec {end}<broken
    eventually taps 1
    exec {end}<&-
    wait "$tap" || result=$?
    [[ $result == 141 && ! -s errors ]] || fail "$result: $(cat errors)"
}

json_and_records_work_here_too() { # U4
    silent ferry new queue q
    ferry tap q --json --count 1 >seen &
    local tap=$!
    eventually taps 1
    silent ferry send q hello
    wait $tap || fail "the tap ended with $?: $(cat complaint 2>&1)"
    [[ $(<seen) == '{"text":"hello","type":0,"priority":0}' ]] || fail "it saw: $(<seen)"
    ferry tap q --records --count 1 >seen &
    tap=$!
    eventually taps 1
    silent ferry send q hello
    wait $tap || fail "the tap ended with $?: $(cat complaint 2>&1)"
    printf '\5\0\0\0hello' | cmp - seen || fail "it saw: $(od -c seen)"
    silent ferry new pipe p
    fails 2 'is a pipe, and --records and --json are for queues' ferry tap p --json
    fails 2 'choose one' ferry tap q --json --records
}

two_taps_see_the_same() { # U8
    silent ferry new queue q
    ferry tap q --count 1000 >first &
    local one=$!
    ferry tap q --count 1000 >second &
    local two=$!
    eventually taps 2
    seq 1 1000 >in
    ferry send q <in || fail "sending ended with $?"
    wait $one $two || fail "one ended with $?"
    cmp in first || fail "the first saw other messages"
    cmp in second || fail "the second saw other messages"
}

a_killed_tap_harms_nobody() { # G8
    silent ferry new queue q --messages 64
    local i
    for ((i = 0; i < 10; i++)); do
        "$FERRY" tap q >/dev/null &
        local doomed=$!
        eventually taps 1
        seq 1 1000 | ferry send q &
        ferry receive q --count 500 >/dev/null || fail "receiving ended with $?"
        kill -KILL "$doomed"
        wait "$doomed" 2>/dev/null
        ferry receive q --count 500 >got || fail "receiving ended with $?"
        wait $! || fail "sending ended with $?"
        seq 501 1000 | cmp - got || fail "other messages came out"
    done
}

run_cases "$@"

# Queues on the command line: new, send, receive, and what show says of them.
. "${0%/*}/lib.bash"

a_message_outlives_its_sender() { # Q5 U6 X10
    silent ferry send q 'hello there'
    json "(d['kind'] == 'queue' and d['depth_messages'] == 1 and d['depth_bytes'] == 11 and
           d['attached'] == 0)" ferry show q --json
    prints 'hello there' ferry receive q
    json "d['depth_messages'] == 0 and d['received_count'] == 1" ferry show q --json
}

each_text_is_a_message() { # Q1
    silent ferry send q one 'two words' '' '*' $'a\nb'
    prints one ferry receive q
    prints 'two words' ferry receive q
    prints '' ferry receive q
    [[ $(wc -c <"$CASE/out") == 1 ]] || fail "an empty message is not an empty line"
    prints '*' ferry receive q
    prints $'a\nb' ferry receive q
    fails 3 'no message came to the queue "q" in time' ferry receive q --timeout 0
}

each_line_is_a_message() { # Q1
    printf 'one\n\ntwo\nhalf' | ferry send q || fail "sending ended with $?"
    json "d['depth_messages'] == 4 and d['depth_bytes'] == 10" ferry show q --json
    prints $'one\n\ntwo\nhalf' ferry receive q --count 4
    silent ferry send q # no line, no message
    json "d['depth_messages'] == 0" ferry show q --json
}

a_million_lines_come_out_in_order() { # Q1 Q3
    seq 1 1000000 | ferry send numbers &
    local sum
    sum=$(seq 1 1000000 | sha256sum)
    eventually ferry show numbers
    [[ $(ferry receive numbers --count 1000000 | sha256sum) == "$sum" ]] || fail "other lines came out"
    wait $! || fail "the sender failed"
}

twenty_senders_and_five_receivers() { # Q8
    silent ferry new queue q --messages 64
    local i senders=() receivers=()
    for i in 1 2 3 4 5; do
        ferry receive q --count 800 >"got.$i" &
        receivers+=($!)
    done
    for ((i = 0; i < 20; i++)); do
        seq "$((i * 1000 + 1000))" "$((i * 1000 + 1199))" | ferry send q &
        senders+=($!)
    done
    for i in "${senders[@]}" "${receivers[@]}"; do
        wait "$i" || fail "one ended with $?"
    done
    [[ $(cat got.* | sort -n | sha256sum) == "$(for ((i = 0; i < 20; i++)); do
        seq $((i * 1000 + 1000)) $((i * 1000 + 1199))
    done | sort -n | sha256sum)" ]] || fail "not each message went to exactly one"
    for i in 1 2 3 4 5; do # of each sender in its order
        awk '{ s = int($1 / 1000); if ($1 <= last[s]) exit 1; last[s] = $1 }' "got.$i" ||
            fail "receiver $i got a sender's messages out of order"
    done
}

follow_ends_when_nothing_comes() { # U3 U5
    silent ferry send q one two
    prints $'one\ntwo' ferry receive q --follow --timeout 20ms
    fails 3 'no message came' ferry receive q --follow --timeout 20ms
    silent ferry send q three
    prints three ferry receive q --follow --timeout 0
    silent ferry send q four five
    prints four ferry receive q --follow --count 1
    prints five ferry receive q
}

fewer_than_asked_for_is_3() { # U5
    silent ferry send q one two
    try ferry receive q --count 3 --timeout 20ms
    [[ $status == 3 && $(out) == $'one\ntwo' ]] || fail "$status: $(out)"
    err | grep -q '2 of 3 messages came' || fail "$(err)"
    silent ferry receive q --count 0
    fails 3 '0 of 18,446,744,073,709,551,615|no message came' \
        ferry receive q --count 18446744073709551615 --timeout 0
    fails 2 'not a number' ferry receive q --count 18446744073709551616
}

a_message_is_written_out_at_once() { # U8
    local in out
    ferry new queue q
    exec {in}> >(exec "$FERRY" send q)
    exec {out}< <(exec {in}>&- "$FERRY" receive q --follow)
    local line
    for line in one two three; do
        echo "$line" >&"$in"
        expect_line "$out" "$line"
    done
    exec {in}>&-
    ferry rm q
    cat <&"$out" # until it has ended
    exec {out}<&-
}

each_message_is_one_write() { # U8
    command -v strace >/dev/null || skip "there is no strace"
    silent ferry new queue q --max 64K
    head -c 60000 /dev/zero | tr '\0' x | ferry send q
    silent ferry send q short ''
    strace -f -o trace -e trace=write "$FERRY" receive q --count 3 | cat >got ||
        skip "strace may not trace"
    grep -q . trace || skip "strace may not trace"
    [[ $(grep -c '^[0-9 ]*write(1, "[^"]' trace) == 3 ]] || fail "$(cat trace)"
    [[ $(wc -c <got) == 60008 ]] || fail "$(wc -c <got) bytes"
}

peek_takes_nothing() { # Q6
    silent ferry send q one two
    prints one ferry receive q --peek
    prints one ferry receive q --peek
    json "d['depth_messages'] == 2 and d['received_count'] == 0" ferry show q --json
    prints $'one\ntwo' ferry receive q --count 2
    fails 3 'no message came' ferry receive q --peek --timeout 0
    fails 2 'peek goes with neither' ferry receive q --peek --follow
    fails 2 'peek goes with neither' ferry receive q --peek --count 1
}

a_peek_waits_for_a_message() { # Q6 G7
    silent ferry new queue q
    ferry receive q --peek >got &
    eventually shows q "d['members'][0]['waiting']"
    silent ferry send q hello
    wait $! || fail "peeking ended with $?"
    [[ $(<got) == hello ]] || fail "$(<got)"
    prints hello ferry receive q
}

a_full_queue_blocks_or_does_as_it_was_made() { # Q3 U5
    silent ferry new queue block --messages 3
    fails 3 'no room in time: 3 messages were sent' ferry send block 1 2 3 4 5 --timeout 0
    fails 3 'no room in time: 0 messages were sent' ferry send block 4 --timeout 20ms
    prints $'1\n2\n3' ferry receive block --follow --timeout 0
    silent ferry new queue refuse --messages 3 --overflow refuse
    fails 3 'no room in time: 3 messages were sent' ferry send refuse 1 2 3 4 5
    json "d['refused_count'] == 1 and d['overflow'] == 'refuse'" ferry show refuse --json
    silent ferry new queue old --messages 3 --overflow drop-oldest
    silent ferry send old 1 2 3 4 5
    json "d['dropped_oldest'] == 2 and d['sent_count'] == 5 and d['received_count'] == 0" \
        ferry show old --json
    prints $'3\n4\n5' ferry receive old --follow --timeout 0
    silent ferry new queue new --messages 3 --overflow drop-newest
    seq 1 5 | ferry send new || fail "sending ended with $?"
    json "d['dropped_newest'] == 2" ferry show new --json
    prints $'1\n2\n3' ferry receive new --follow --timeout 0
}

a_blocked_sender_goes_on() { # Q3 G7
    silent ferry new queue q --messages 2
    seq 1 100 | ferry send q &
    eventually shows q "d['members'][0]['waiting'] and d['depth_messages'] == 2"
    works ferry show q
    out | grep -q 'waits for room' || fail "$(out)"
    [[ $(ferry receive q --count 100) == "$(seq 1 100)" ]] || fail "other lines came out"
    wait $! || fail "the sender ended with $?"
}

bytes_bound_it_too() { # Q3
    silent ferry new queue q --bytes 10 --max 10
    silent ferry send q 12345 12345
    fails 3 'no room' ferry send q 1 --timeout 0
    silent ferry send q '' --timeout 0
    works ferry receive q --follow --timeout 0
    cmp "$CASE/out" - <<<$'12345\n12345\n' || fail "other messages came out"
    silent ferry send q 1234567890 --timeout 0
    fails 1 'text of 11 bytes is longer than the largest message of the queue "q", 10 bytes' \
        ferry send q 12345678901
}

a_rendezvous_is_sent_when_it_was_received() { # Q3
    silent ferry new queue q --rendezvous
    fails 3 'nobody received from the queue "q" in time: 0 messages' ferry send q x --timeout 20ms
    json "d['sent_count'] == d['received_count'] == d['depth_messages'] == 0" ferry show q --json
    fails 3 'no message came' ferry receive q --timeout 20ms
    ferry receive q --count 3 >got &
    silent ferry send q one two three
    wait $! || fail "receiving ended with $?"
    [[ $(<got) == $'one\ntwo\nthree' ]] || fail "$(<got)"
}

an_unbounded_queue_takes_what_comes() { # Q3
    silent ferry new queue q --unbounded
    seq 1 300000 >in
    ferry send q --timeout 0 <in || fail "sending ended with $?"
    json "d['depth_messages'] == 300000 and d['unbounded']" ferry show q --json
    ferry receive q --count 300000 | cmp - in || fail "other lines came out"
    json "d['depth_messages'] == 0 and d['most_messages'] == 300000" ferry show q --json
}

binary_bytes_come_through() { # Q1
    silent ferry new queue q --max 64K --messages 10000
    # As lines: what stands between line ends, whatever it is.
    (head -c 300000 /dev/urandom && echo x) >in
    ferry send q --timeout 0 <in || fail "sending ended with $?"
    ferry receive q --follow --timeout 0 >out || fail "receiving ended with $?"
    cmp in out || fail "other bytes came out"
}

who_waits_for_what_is_shown() { # G13 U4
    silent ferry new queue q --messages 1
    ferry receive q >got &
    eventually shows q "d['members'][0]['waiting']"
    works ferry show q
    out | grep -Eq 'receive|waits for messages' || fail "$(out)"
    json "d['members'][0]['role'] == 'read'" ferry show q --json
    silent ferry send q x
    wait $! || fail "receiving ended with $?"
}

which_types_are_waited_for_is_shown() { # G13 Q2 U4
    silent ferry new queue q --typed
    local option doing
    for option in --type --max-type --except; do
        ferry receive q "$option" 7 --timeout 60s >got &
        eventually shows q "[(m['selection'], m['type']) for m in d['members']] == [('${option#--}', 7)]"
        works ferry show q
        case $option in
        --type) doing='type 7' ;;
        --max-type) doing='types up to 7' ;;
        --except) doing='types but 7' ;;
        esac
        out | grep -q "waits for $doing\$" || fail "$(out)"
        silent ferry send q --type 7 seven
        [[ $option != --except ]] || silent ferry send q --type 8 eight
        wait $! || fail "receiving ended with $?"
    done
    ferry receive q >got # the one that was not waited for
    ferry receive q >got &
    eventually shows q "[(m['waiting'], m['selection']) for m in d['members']] == [(True, 'any')]"
    silent ferry send q --type 7 x
    wait $! || fail "receiving ended with $?"
}

show_tells_all_of_a_queue() { # G13 U4
    silent ferry new queue q --messages 10 --bytes 64K --max 1K --overflow drop-oldest
    silent ferry send q one two three
    silent eval 'ferry receive q >/dev/null'
    works ferry show q
    out | grep -q 'capacity  *10 messages, 65,536 bytes; the largest has 1,024' || fail "$(out)"
    out | grep -q 'depth  *2 messages, 8 bytes; the oldest waits for' || fail "$(out)"
    out | grep -q 'at most  *3 messages, 11 bytes at a time' || fail "$(out)"
    out | grep -q 'sent  *3; received 1' || fail "$(out)"
    out | grep -q 'when full: drop-oldest' || fail "$(out)"
    json "(d['capacity_messages'] == 10 and d['capacity_bytes'] == d['size_bytes'] == 65536 and
           d['largest_bytes'] == 1024 and d['overflow'] == 'drop-oldest' and d['sent_count'] == 3 and
           d['received_count'] == 1 and d['most_messages'] == 3 and d['most_bytes'] == 11 and
           d['depth_bytes'] == 8 and d['dropped_oldest'] == d['dropped_newest'] == 0 and
           d['refused_count'] == 0 and d['oldest_age_ns'] >= 0 and not d['typed'] and
           not d['priorities'] and not d['rendezvous'] and not d['unbounded'])" ferry show q --json
    works ferry receive q --count 2
    json "d['oldest_age_ns'] is None" ferry show q --json
    works ferry ls queue
    out | grep -Eq '^queue +q +64K ' || fail "$(out)"
}

an_equal_queue_is_fine_and_another_is_told() { # U6 G1 G2
    silent ferry new queue q --messages 8 --bytes 8K --max 1K
    silent ferry new queue q
    silent ferry new queue q --messages 8
    fails 1 'it holds 8 messages, not 9' ferry new queue q --messages 9
    fails 1 'it holds 8K of messages, not 1M, its largest message has 1K, not 64K' \
        ferry new queue q --bytes 1M --max 64K
    fails 1 'it has no types' ferry new queue q --typed
    fails 1 'it has no priorities' ferry new queue q --priority
    fails 1 'it has a? ?buffer' ferry new queue q --rendezvous
    fails 1 'it has a? ?bound' ferry new queue q --unbounded
    fails 1 'its policy is block, not refuse' ferry new queue q --overflow refuse
    fails 1 'its mode is 0600, not 0640' ferry new queue q --mode 0640
    fails 1 'exists already' ferry new queue q --exclusive
    fails 1 'is a queue, not a pipe' ferry new pipe q
    silent ferry new pipe p
    fails 1 'is a pipe, not a queue' ferry new queue p
}

each_kind_is_told_its_verbs() { # U6 G1
    silent ferry new pipe p
    silent ferry new segment s --size 8
    silent ferry new queue q
    fails 1 '"p" is a pipe, not a queue; use it with: ferry write p' ferry send p x
    fails 1 '"p" is a pipe, not a queue; use it with: ferry write p' ferry receive p
    fails 1 '"s" is a segment, not a queue' ferry send s x
    fails 1 '"s" is a segment, not a queue' ferry receive s
    fails 1 '"q" is a queue.*ferry send q' ferry write q x
    fails 1 '"q" is a queue.*ferry receive q' ferry read q
    fails 1 '"q" is a queue' ferry wait q --timeout 10ms
}

only_send_makes_a_queue() { # U6
    fails 3 'there is no queue "q"; make it: ferry new queue q$' ferry receive q
    fails 3 'make it: ferry new queue q --typed$' ferry receive q --type 3
    fails 3 'there is no pipe or queue "q"; make it: ferry new queue q' ferry tap q
    silent ferry send q x
    works ferry show q
}

a_queue_is_removed_under_who_waits() { # Q5 G6
    silent ferry new queue q
    ferry receive q >got 2>complaint &
    eventually shows q "d['members'][0]['waiting']"
    silent ferry rm q
    local result=0
    wait $! || result=$?
    [[ $result == 1 ]] || fail "it ended with $result"
    is_one_line complaint && grep -q 'the queue "q" was removed' complaint || fail "$(cat complaint)"
    silent ferry new queue q --messages 1
    seq 1 3 | ferry send q 2>complaint &
    eventually shows q "d['members'][0]['waiting']"
    silent ferry rm q
    wait $! && fail "the sender ended well"
    grep -q 'was removed: 1 messages were sent' complaint || fail "$(cat complaint)"
}

run_cases "$@"

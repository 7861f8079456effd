# Types and priorities on the command line.
. "${0%/*}/lib.bash"

a_queue_is_made_as_it_is_sent_to() { # U6 Q2
    silent ferry send plain x
    silent ferry send typed x --type 3
    silent ferry send urgent x --priority 1
    silent ferry send both x --type 3 --priority 1
    json "not d['typed'] and not d['priorities']" ferry show plain --json
    json "d['typed'] and not d['priorities']" ferry show typed --json
    json "not d['typed'] and d['priorities']" ferry show urgent --json
    json "d['typed'] and d['priorities']" ferry show both --json
    silent ferry new queue both --typed --priority
    fails 1 'it has types' ferry new queue both --priority
}

types_are_chosen_by() { # Q2
    silent ferry new queue q --typed
    local type
    for type in 5 2 7 2 0 18446744073709551615; do
        silent ferry send q "of $type" --type $type
    done
    prints 'of 7' ferry receive q --type 7
    prints 'of 0' ferry receive q --max-type 6
    prints 'of 2' ferry receive q --except 5
    prints 'of 5' ferry receive q --peek
    prints 'of 5' ferry receive q
    prints 'of 2' ferry receive q --max-type 2
    fails 3 'no message of these types' ferry receive q --max-type 6 --timeout 0
    fails 3 'no message of these types' ferry receive q --except 18446744073709551615 --timeout 0
    prints '{"text":"of 18446744073709551615","type":18446744073709551615,"priority":0}' \
        ferry receive q --json --type 18446744073709551615
}

a_queue_without_types_says_how_to_have_them() { # Q2 U4
    silent ferry send q x
    local option
    for option in --type --max-type --except; do
        fails 1 'the queue "q" has no types; make one that has: ferry rm q; ferry new queue q --typed' \
            ferry receive q $option 3
    done
    fails 1 'has no types' ferry send q x --type 3
    fails 1 'has no priorities.*--priority' ferry send q x --priority 3
    silent ferry new queue urgent --priority
    fails 1 'has no types.*ferry new queue urgent --typed --priority' ferry receive urgent --type 3
    prints x ferry receive q
}

priorities_come_first_and_in_order() { # Q1 Q2
    local i
    for i in 1 9 5 9 1; do
        silent ferry send q "$i" --priority $i
    done
    silent ferry send q none
    prints $'9\n9\n5\n1\n1\nnone' ferry receive q --count 6
}

json_carries_types_and_priorities() { # Q1 U4
    silent ferry new queue q --typed --priority
    printf '%s\n' '{"text":"a","type":1,"priority":1}' '{"text":"b","type":2,"priority":2}' '{"text":"c"}' |
        ferry send q --json --type 7 --priority 3 || fail "sending ended with $?"
    prints '{"text":"c","type":7,"priority":3}
{"text":"b","type":2,"priority":2}
{"text":"a","type":1,"priority":1}' ferry receive q --json --count 3
}

each_waits_for_its_own() { # Q2 Q8
    silent ferry new queue q --typed
    ferry receive q --type 1 >one &
    local first=$!
    ferry receive q --type 2 >two &
    local second=$!
    eventually shows q "len([m for m in d['members'] if m['waiting']]) == 2"
    silent ferry send q for-two --type 2
    wait $second || fail "the second ended with $?"
    silent ferry send q for-one --type 1
    wait $first || fail "the first ended with $?"
    [[ $(<one) == for-one && $(<two) == for-two ]] || fail "$(<one) $(<two)"
}

what_is_large_goes_through_too() { # Q1 Q4
    silent ferry new queue q --max 1M --bytes 4M
    (head -c 1000000 /dev/zero | tr '\0' x && echo) >in
    ferry send q <in || fail "sending ended with $?"
    ferry receive q | cmp - in || fail "other bytes came out"
    json "d['typed'] == False and d['largest_bytes'] == 1 << 20" ferry show q --json
}

the_oldest_is_known_with_types_too() { # G13
    silent ferry send q x --type 1
    json "d['oldest_age_ns'] >= 0 and d['depth_messages'] == 1" ferry show q --json
}

what_cannot_be_tapped_says_so() { # U4
    silent ferry new queue unbounded --unbounded
    fails 1 'cannot be tapped' ferry tap unbounded
}

run_cases "$@"

# Semaphores on the command line: new, wait, post, and what show says of them.
. "${0%/*}/lib.bash"

units_are_taken_and_given() { # E1
    silent ferry new semaphore s --value 2
    silent ferry wait s
    silent ferry wait s
    fails 3 'nobody posted in time' ferry wait s --timeout 10ms
    fails 3 'the semaphore is at 0' ferry wait s --timeout 0
    silent ferry post s
    silent ferry wait s
    json "d['kind'] == 'semaphore' and d['value'] == 0 and d['wait_count'] == 1 and d['attached'] == 0" \
        ferry show s --json
}

a_post_lets_one_go_who_waits() { # E1 X11
    silent ferry new semaphore ready
    ferry wait ready &
    local waiter=$!
    eventually shows ready "d['sleeper_count'] == 1 and d['members'][0]['waiting']"
    ferry show ready | grep -q 'waits for a unit' || fail "show does not say who waits"
    silent ferry post ready
    wait "$waiter" || fail "the waiter ended with $?"
    json "d['value'] == 0 and d['sleeper_count'] == 0" ferry show ready --json
}

a_hundred_seats_are_sold_once_each() { # X11
    silent ferry new semaphore seats --value 100
    local seller sellers=()
    for seller in 1 2 3 4 5; do
        while ferry wait seats --timeout 0 2>/dev/null; do echo "$seller"; done >"sold.$seller" &
        sellers+=($!)
    done
    wait "${sellers[@]}"
    [[ $(cat sold.* | wc -l) == 100 ]] || fail "$(cat sold.* | wc -l) of 100 seats were sold"
}

a_binary_one_has_one_unit_at_most() { # E1
    silent ferry new semaphore door --value 1 --most 1
    fails 1 'the semaphore is at 1, the most it may be' ferry post door
    silent ferry wait door
    silent ferry post door
}

an_equal_one_may_be_there() { # U6
    silent ferry new semaphore s --value 3 --most 5
    silent ferry new semaphore s --value 4
    silent ferry new semaphore s --most 5
    json "d['value'] == 3 and d['most_value'] == 5" ferry show s --json
    fails 1 'is there already, it may have 5 units, not 6; .*ferry rm s' ferry new semaphore s --most 6
    fails 1 'exists already' ferry new semaphore s --exclusive
}

a_set_shows_all_its_values() { # E3
    silent ferry new semaphore set --count 3 --value 2 --most 4
    json "d['set'] == [2, 2, 2] and d['most_value'] == 4" ferry show set --json
    ferry show set | grep -q 'set  *of 3: 2 2 2' || fail "show does not say so"
    fails 2 'this is a set of 3 semaphores' ferry wait set
    fails 1 'it is a set of 3, not of 4' ferry new semaphore set --count 4
    fails 2 'a set has 1 to 256 semaphores' ferry new semaphore other --count 257
}

what_the_command_took_is_its_own_where_nobody_asked_otherwise() { # E4
    silent ferry new semaphore s --give-back --value 2
    silent ferry wait s
    json "d['value'] == 1" ferry show s --json
    silent ferry post s
    silent ferry new semaphore plain
    fails 1 'it is one by itself, no set' ferry new semaphore plain --give-back
}

what_makes_no_sense_is_refused() { # U4 U6
    fails 2 'value 3 is more than --most 2' ferry new semaphore s --value 3 --most 2
    fails 2 'is of no use: --most 1 at least' ferry new semaphore s --most 0
    fails 2 'at most 536870911 units' ferry new semaphore s --value 536870912
    fails 2 'a semaphore has --value units' ferry new semaphore s --size 4K
    fails 2 '--value is for semaphores' ferry new pipe s --value 3
    fails 3 'there is no semaphore "s"; make it with: ferry new semaphore s' ferry wait s
    fails 3 'there is no semaphore "s"; make it with: ferry new semaphore s' ferry post s
    silent ferry new semaphore s
    fails 2 'is a semaphore, and --since is for segments' ferry wait s --since 1
    fails 1 '"s" is a semaphore, not a pipe or a segment; use it with: ferry wait s' ferry read s
    fails 1 '"s" is a semaphore, not a queue; use it with: ferry wait s' ferry receive s
    silent ferry new queue q
    fails 1 '"q" is a queue, not a semaphore or a condition; use it with: ferry send q, ferry receive q' ferry post q
    fails 1 '"q" is a queue, not a semaphore, a condition, a barrier or a segment; use it with: ferry send q' ferry wait q
}

run_cases "$@"

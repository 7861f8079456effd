# The example programs for semaphores, and the command lines that show the same.
. "${0%/*}/lib.bash"

a_bare_count_oversells_and_a_semaphore_never() { # X11 E1 E2
    works "$EXAMPLES/semaphore_cinema"
    [[ $(out) =~ ^'bare count--, all read before one writes: 2000 tickets for 100 seats
bare count--, as it comes: '([0-9]+)' tickets for 100 seats
a unit for each seat: 100 tickets for 100 seats
count--, one seller at a time: 100 tickets for 100 seats
sold out: 20 wait for a seat; when as many are given back, 20 get one'$ ]] || fail "$(out)"
    ((BASH_REMATCH[1] >= 100)) || fail "fewer tickets than seats: $(out)"
}

# count--, in a file.
sell_one() {
    local count
    read -r count <count
    [[ $count -gt 0 ]] || return 1
    "$@"
    echo $((count - 1)) >count
    echo sold >>tickets
}

tickets() { wc -l <tickets; }

the_command_shows_who_oversells() { # X11 E1
    silent ferry new semaphore have-read
    silent ferry new semaphore go-on
    read_and_wait() { ferry post have-read && ferry wait go-on; }
    echo 1 >count
    local seller sellers=()
    for seller in 1 2 3; do
        sell_one read_and_wait &
        sellers+=($!)
    done
    for seller in 1 2 3; do silent ferry wait have-read; done
    for seller in 1 2 3; do silent ferry post go-on; done
    wait "${sellers[@]}"
    [[ $(tickets) == 3 && $(cat count) == 0 ]] || fail "$(tickets) tickets, and $(cat count) seats"
}

the_command_lets_one_seller_in_at_a_time() { # X11 E1
    silent ferry new semaphore door --value 1 --most 1
    echo 12 >count
    sell_all() {
        local more=yes
        while [[ $more == yes ]]; do
            ferry wait door || return
            sell_one true || more=no
            ferry post door || return
        done
    }
    local seller sellers=()
    for seller in 1 2 3 4; do
        sell_all &
        sellers+=($!)
    done
    for seller in "${sellers[@]}"; do wait "$seller" || fail "a seller ended with $?"; done
    [[ $(tickets) == 12 && $(cat count) == 0 ]] || fail "$(tickets) tickets, and $(cat count) seats"
}

the_command_shows_who_waits_for_a_seat() { # X11
    silent ferry new semaphore seats
    local waiter waiters=()
    for waiter in 1 2 3; do
        ferry wait seats &
        waiters+=($!)
    done
    eventually shows seats "d['sleeper_count'] == 3"
    [[ $(ferry show seats | grep -c 'waits for a unit') == 3 ]] || fail "$(ferry show seats)"
    for waiter in 1 2 3; do silent ferry post seats; done
    for waiter in "${waiters[@]}"; do wait "$waiter" || fail "a waiter ended with $?"; done
    json "d['value'] == 0 and d['sleeper_count'] == 0" ferry show seats --json
}

none_to_begin_with_orders() { # X11 E1
    prints 'step 3 waits for step 2
step 2 waits for step 1
step 1 is done
step 2 is done
step 3 is done' "$EXAMPLES/semaphore_order"
    silent ferry new semaphore ready
    { ferry wait ready && echo second >>order; } &
    local waiter=$!
    eventually shows ready "d['sleeper_count'] == 1"
    echo first >>order
    silent ferry post ready
    wait "$waiter" || fail "the waiter ended with $?"
    prints $'first\nsecond' cat order
}

producers_and_consumers_share_a_buffer() { # E1 E2
    prints '8 items are there, and 3 producers wait for room
3000 of 3000 items were taken once; there were never more than 8' "$EXAMPLES/semaphore_buffer"
}

run_cases "$@"

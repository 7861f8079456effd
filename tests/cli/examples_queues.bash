# The example programs for queues, and the command lines that show the same.
. "${0%/*}/lib.bash"

buffering_is_none_bounded_or_unbounded() { # X10 Q3
    prints 'none, nobody receives: -ETIMEDOUT
none, somebody receives: sent
bounded to 3, block: 3 of 5 went in, then -EAGAIN; there are 1 2 3
bounded to 3, block: 1000 of 1000 arrived: yes
bounded to 3, refuse: 3 of 5 went in, then -EAGAIN; there are 1 2 3
bounded to 3, drop oldest: 5 of 5 went in; there are 3 4 5
bounded to 3, drop newest: 5 of 5 went in; there are 1 2 3
unbounded: 5000 messages of 8192 bytes went in' "$EXAMPLES/queue_buffering"
}

the_command_drops_the_oldest_too() { # X10 Q3
    silent ferry new queue small --messages 3 --overflow drop-oldest
    seq 10 | ferry send small || fail "sending ended with $?"
    prints $'8\n9\n10' ferry receive small --follow --timeout 0
}

a_queue_outlives_its_sender() { # X10 Q5
    prints 'the sender died of signal 9
received: "the last words"
who waited for more: -EIDRM
who comes now: -ENOENT' "$EXAMPLES/queue_outlives" words
    silent ferry send words hello
    prints hello ferry receive words
}

the_highest_priority_comes_first() { # X10 Q1 Q2
    prints '9 fire
5 cook
5 serve
1 sweep
1 dust' "$EXAMPLES/queue_priority"
    silent ferry send tasks sweep --priority 1
    silent ferry send tasks fire --priority 9
    silent ferry send tasks dust --priority 1
    prints $'fire\nsweep\ndust' ferry receive tasks --count 3
}

each_takes_what_is_for_it() { # X10 Q2
    prints 'of type 7: "third", type 7
of the lowest up to 6: "second", type 2
any but type 5: "fourth", type 2
of type 3: nothing
any: "first", type 5
3 clients, 3 answers that were their own' "$EXAMPLES/queue_types"
}

the_command_chooses_by_type_too() { # X10 Q2
    silent ferry send types two --type 2
    silent ferry send types one --type 1
    silent ferry send types nine --type 9
    prints one ferry receive types --max-type 5
    prints nine ferry receive types --except 2
    fails 3 'no message of these types came' ferry receive types --type 1 --timeout 0
    prints two ferry receive types --type 2
}

wrong_usage_is_told() { # U5
    try "$EXAMPLES/queue_outlives"
    [[ $status == 2 && $(err) == 'usage: queue_outlives '* ]] || fail "$status: $(err)"
}

run_cases "$@"

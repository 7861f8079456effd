# The segment's lock at the command line, and what happens when its owner dies.
. "${0%/*}/lib.bash"

a_held_lock_times_out_with_3() { # U5 H5
    silent ferry new segment demo --size 8
    hold_lock demo
    fails 3 . ferry write demo x --lock --timeout 0
    fails 3 . ferry write demo x --repair --timeout 10ms
    fails 3 . ferry read demo --lock --timeout 10ms
    json "d['version'] == 0" ferry show demo --json
    release_lock
    silent ferry write demo x --lock
    json "d['lock_count'] >= 2" ferry show demo --json
}

without_lock_nobody_waits() { # H5
    silent ferry new segment demo --size 8
    hold_lock demo
    silent ferry write demo hello
    prints hello ferry read demo --count 5
    release_lock
}

a_write_waits_for_the_lock() { # H5
    silent ferry new segment demo --size 8
    hold_lock demo
    ferry write demo hello --lock &
    local writer=$!
    eventually shows demo "d['wait_count'] > 0"
    json "d['version'] == 0" ferry show demo --json
    release_lock
    wait "$writer" || fail "the write ended with $?"
    prints hello ferry read demo --count 5 --lock
}

the_dead_owner_s_lock_asks_for_repair() { # E5 G8
    silent ferry new segment demo --size 8
    silent ferry write demo before
    hold_lock demo
    kill_holder
    fails 1 'half-written; nothing was written: .* --repair' ferry write demo after --lock
    fails 1 'half-written: read without --lock .* --repair' ferry read demo --lock
    json "d['unrepaired'] and not d['lock_owner_dead']" ferry show demo --json
    works ferry ls
    out | grep -qE '^segment +demo .*unrepaired$' || fail "$(out)"
    prints before ferry read demo --count 6
}

repair_makes_it_whole_for_everybody() { # E5
    silent ferry new segment demo --size 8
    hold_lock demo
    kill_holder
    silent ferry write demo after --repair
    json "not d['unrepaired'] and not d['lock_owner_dead']" ferry show demo --json
    prints after ferry read demo --count 5 --lock
    silent ferry write demo again --lock
}

repair_of_what_is_whole_is_a_locked_write() { # E5
    silent ferry new segment demo --size 8
    silent ferry write demo hello --repair
    prints hello ferry read demo --count 5 --lock
    json "d['lock_count'] == 2" ferry show demo --json
}

a_repair_that_does_not_fit_repairs_nothing() { # E5
    silent ferry new segment demo --size 8
    hold_lock demo
    kill_holder
    fails 1 'do not fit' ferry write demo 'far too long' --repair
    fails 1 'half-written' ferry read demo --lock
}

the_waiting_writer_hears_of_the_death() { # E5 G8
    silent ferry new segment demo --size 8
    hold_lock demo
    ferry write demo mended --repair &
    local writer=$!
    eventually shows demo "d['wait_count'] > 0"
    kill_holder
    wait "$writer" || fail "the write ended with $?"
    prints mended ferry read demo --count 6 --lock
}

a_slow_reader_of_the_output_holds_no_lock() { # H5
    silent ferry new segment demo --size 1M
    mkfifo slow
    ferry read demo --lock >slow &
    local reader=$! descriptor
    exec {descriptor}<slow
    silent ferry write demo hello --lock
    cat <&"$descriptor" >/dev/null
    wait "$reader" || fail "the read ended with $?"
}

run_cases "$@"

# write, read and wait: bytes in and out, and the notice between.
. "${0%/*}/lib.bash"

bytes_of()
{
    head -c "$1" /dev/urandom
}

what_is_written_is_read() { # H2
    silent ferry new segment demo --size 4097
    bytes_of 4097 >in
    ferry write demo <in || fail "writing 4,097 bytes failed"
    ferry read demo | cmp - in || fail "other bytes came back"
    ferry read demo --lock | cmp - in || fail "other bytes came back under the lock"
}

a_range_is_written_and_read() { # H2
    silent ferry new segment demo --size 4097
    silent ferry write demo hello --at 4092
    prints hello ferry read demo --at 4092
    prints ell ferry read demo --at 4093 --count 3
    ferry read demo --count 4092 | tr -d '\0' | cmp - /dev/null || fail "the rest is not zero"
    silent ferry read demo --at 4097
    silent ferry read demo --count 0
}

a_range_outside_names_the_size() { # H2 U4
    silent ferry new segment demo --size 4097
    fails 1 '98 bytes from 4,000 on reach outside: the segment has 4,097' \
        ferry read demo --at 4000 --count 98
    fails 1 'from 4,098 on reach outside' ferry read demo --at 4098
    fails 1 'reach outside' ferry read demo --count 4098
    fails 1 'reach outside' ferry read demo --at 9223372036854775807 --count 9223372036854775807
    fails 1 'at 4,098 is outside: the segment has 4,097' ferry write demo x --at 4098
    fails 1 'at 9,223,372,036,854,775,807 is outside' ferry write demo --at 9223372036854775807 x
}

what_does_not_fit_changes_nothing() { # U4
    silent ferry new segment demo --size 10
    silent ferry write demo 0123456789
    fails 1 '^ferry: 4 bytes do not fit at 7, where the segment of 10 has room for 3; nothing' \
        ferry write demo abcd --at 7
    fails 1 'more than 10 bytes do not fit at 0' eval 'printf 0123456789a | ferry write demo'
    fails 1 'more than 3 bytes do not fit at 7' eval 'yes | ferry write demo --at 7'
    prints 0123456789 ferry read demo
    json "d['version'] == 1" ferry show demo --json
}

standard_input_may_come_in_pieces() { # U6
    silent ferry new segment demo --size 1M
    bytes_of 1048576 >in
    { head -c 70000 && head -c 1 && cat; } <in | ferry write demo || fail "writing failed"
    ferry read demo | cmp - in || fail "other bytes came back"
}

writing_nothing_is_a_notice() { # H5
    silent ferry new segment demo --size 8
    silent ferry write demo
    silent ferry write demo ''
    json "d['version'] == 2 and d['changed_unix_ms'] > 0" ferry show demo --json
}

unreadable_input_is_an_error() { # U5
    silent ferry new segment demo --size 8
    fails 1 'standard input could not be read' eval 'ferry write demo <.'
    fails 1 'standard input could not be read' eval 'ferry write demo <&-'
    json "d['version'] == 0" ferry show demo --json
}

a_wait_ends_with_the_next_write() { # H5 G15
    silent ferry new segment demo --size 8
    ferry wait demo >waited 2>&1 &
    local waiter=$!
    eventually shows demo "d['members'][0]['waiting']"
    silent ferry write demo hello
    wait "$waiter" || fail "the wait ended with $?"
    [[ ! -s waited ]] || fail "the wait printed: $(cat waited)"
}

a_write_wakes_everybody_who_waits() { # H5
    silent ferry new segment demo --size 8
    local i
    for i in 1 2 3 4; do
        ferry wait demo &
    done
    eventually shows demo "sum(m['waiting'] for m in d['members']) == 4"
    silent ferry write demo hello
    for i in 1 2 3 4; do
        wait -n || fail "a wait ended with $?"
    done
}

a_wait_times_out_with_3() { # U5 U3
    silent ferry new segment demo --size 8
    fails 3 . ferry wait demo --timeout 0
    fails 3 . ferry wait demo --timeout 1ns
    fails 3 . ferry wait demo --timeout 20ms
}

a_wait_since_an_old_version_returns_at_once() { # H5
    silent ferry new segment demo --size 8
    silent ferry write demo x
    silent ferry wait demo --since 0
    silent ferry wait demo --since 4294967295 --timeout 0
    fails 3 . ferry wait demo --since 1 --timeout 0
}

a_loop_of_waits_misses_no_change() { # H5 H3
    silent ferry new segment demo --size 8
    local i version=0
    for i in 1 2 3 4 5; do
        ferry write demo "$i" &
        silent ferry wait demo --since $version
        version=$((version + 1))
        wait
        prints $i ferry read demo --count 1
    done
}

reading_leaves_everything_as_it_was() { # P2 H3
    silent ferry new segment demo --size 8
    silent ferry write demo hello
    works ferry read demo
    works ferry read demo
    json "d['version'] == 1 and d['lock_count'] == 0" ferry show demo --json
}

run_cases "$@"

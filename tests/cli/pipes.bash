# Pipes on the command line: write and read stream through them.
. "${0%/*}/lib.bash"

a_million_lines_arrive_byte_by_byte() { # P1 P2 X4
    local sum
    sum=$(seq 1 1000000 | sha256sum)
    seq 1 1000000 | ferry write numbers &
    [[ $(ferry read numbers | sha256sum) == "$sum" ]] || fail "other bytes came out"
    wait $! || fail "the writer failed"
    json "(d['kind'] == 'pipe' and d['depth_bytes'] == 0 and d['attached'] == 0 and
           d['written_bytes'] == d['read_bytes'] == 6888896)" ferry show numbers --json
}

the_writer_waits_for_a_reader() { # P13 X4
    fails 3 'no reader came in time' ferry write p hello --timeout 20ms
    fails 3 'no writer came in time' ferry read p --timeout 20ms
    echo hello | ferry write p &
    prints hello ferry read p
    wait $! || fail "the writer failed"
    ferry ls --names | grep -qx p || fail "the name has not stayed"
}

one_that_reads_little_ends_the_other() { # P8
    yes | ferry write p 2>complaint &
    prints yyyy eval 'ferry read p --count 8 | tr -d "\n"'
    wait $! && fail "the writer ended well"
    grep -q 'nobody reads the pipe "p" any more' complaint || fail "it says: $(cat complaint)"
}

three_hops_are_exact() { # P1 P2
    local sum
    sum=$(head -c 50000000 /dev/zero | tr '\0' x | sha256sum)
    head -c 50000000 /dev/zero | tr '\0' x | ferry write one &
    ferry read one | ferry write two &
    ferry read two | ferry write three &
    [[ $(ferry read three | sha256sum) == "$sum" ]] || fail "other bytes came out"
    wait
}

a_pipe_is_made_beforehand() { # P4 U6 G2
    silent ferry new pipe p --size 100000 --mode 0640
    json "d['size_bytes'] == 131072 and d['mode'] == '0640'" ferry show p --json
    silent ferry new pipe p
    silent ferry new pipe p --size 100000
    silent ferry new pipe p --size 128K
    fails 1 'its size is 128K, not 1M' ferry new pipe p --size 1M
    fails 1 . ferry new pipe p --exclusive
    fails 1 'is a pipe, not a segment' ferry new segment p --size 8
    silent ferry rm p
}

a_line_is_a_record() { # P15
    silent ferry new pipe log --records
    printf 'one\n\ntwo\nhalf' | ferry write log &
    ferry read log >arrived || fail "reading ended with $?"
    wait $! || fail "writing ended with $?"
    cmp arrived <(printf 'one\n\ntwo\nhalf') || fail "$(cat arrived)"
    json "d['written_bytes'] == 13 + 4 * 4" ferry show log --json
    # Of a record all or nothing.
    printf 'four\nfive\n' | ferry write log &
    ferry read log --count 7 >arrived || fail "reading ended with $?"
    wait $! || fail "writing ended with $?"
    [[ $(cat arrived) == four ]] || fail "$(cat arrived)"
}

a_record_is_no_longer_than_the_pipe() { # P15
    silent ferry new pipe log --records
    ferry read log >arrived &
    fails 1 '65,532' eval 'head -c 100000 /dev/zero | ferry write log'
    wait $! || fail "the reader ended with $?"
    [[ ! -s arrived ]] || fail "a part of it arrived"
}

each_kind_has_its_own_options() { # U6
    silent ferry new pipe p
    fails 2 '"p" is a pipe, and --lock is for segments' ferry write p x --lock
    fails 2 '"p" is a pipe, and --at is for segments' ferry read p --at 3
    fails 1 'is a pipe, not a semaphore, a condition, a barrier or a segment; use it with: ferry write p' ferry wait p --timeout 10ms
}

run_cases "$@"

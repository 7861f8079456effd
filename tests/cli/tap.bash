# Looking at a pipe on the command line: tap takes nothing and is nobody's reader.
. "${0%/*}/lib.bash"

# Does so many members look on at the pipe?
taps() {
    shows "$1" "len([m for m in d['members'] if m['role'] == 'look' and m['alive']]) == $2"
}

what_goes_through_is_seen_and_arrives() { # P2 U8
    silent ferry new pipe p --size 1M
    ferry tap p >seen &
    local tap=$!
    eventually taps p 1
    seq 1 100000 | ferry write p &
    [[ $(ferry read p | sha256sum) == "$(seq 1 100000 | sha256sum)" ]] || fail "the reader got other bytes"
    wait $tap || fail "the tap failed"
    cmp seen <(seq 1 100000) || fail "the tap saw other bytes"
}

a_tap_is_no_reader() { # P8 P13
    silent ferry new pipe p
    ferry tap p >seen &
    eventually taps p 1
    fails 3 'no reader came in time' ferry write p hello --timeout 20ms
    echo hello | ferry write p &
    prints hello ferry read p
    wait
    [[ $(<seen) == hello ]] || fail "the tap saw $(<seen)"
}

what_is_there_is_seen_first() { # U8
    silent ferry new pipe p
    "$FERRY" read p >got & # itself, to be stopped
    local reader=$!
    eventually shows p "d['members'][0]['opening']"
    kill -STOP $reader
    echo hello | ferry write p || fail "the writer failed"
    prints hello ferry tap p --count 6
    kill -CONT $reader
    wait $reader || fail "the reader failed"
    [[ $(<got) == hello ]] || fail "the reader got $(<got)"
}

a_killed_writer_ends_it_too() { # G8
    silent ferry new pipe p
    ferry tap p >seen &
    local tap=$!
    eventually taps p 1
    exec {to}> >(exec "$FERRY" write p)
    local writer=$!
    ferry read p >got &
    echo hello >&"$to"
    eventually grep -q hello seen
    kill -KILL "$writer"
    exec {to}>&-
    wait $tap || fail "the tap failed"
    wait
}

records_have_lines_of_their_own() { # P15
    silent ferry new pipe p --records
    ferry tap p >seen &
    local tap=$!
    eventually taps p 1
    ferry write p 'first record' &
    ferry read p >/dev/null
    wait $tap
    [[ $(<seen) == 'first record' ]] || fail "the tap saw $(<seen)"
    wait
}

what_cannot_be_tapped() { # U5 U6
    fails 3 'there is no pipe or queue "p"; make it: ferry new queue p, or: ferry new pipe p' ferry tap p
    silent ferry new segment s --size 8
    fails 1 '"s" is a segment' ferry tap s
    silent ferry new pipe p
    fails 3 'in time' ferry tap p --timeout 10ms
    fails 2 . ferry tap p q
}

run_cases "$@"

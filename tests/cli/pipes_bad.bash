# Pipes on bad days: each is one clear line, and nothing that went in is lost.
. "${0%/*}/lib.bash"

# Waits until so many members are attached to p.
attached()
{
    eventually shows p "d['attached'] == $1"
}

a_plain_file_is_no_pipe() { # G1 G9
    local size
    for size in 0 6 5000 300000; do
        head -c "$size" /dev/zero | tr '\0' x >"$FERRY_ROOT/ferry.p"
        cp "$FERRY_ROOT/ferry.p" before
        fails 1 '"p".*(remove it|out of the root)' ferry read p
        fails 1 '"p".*(remove it|out of the root)' ferry write p hello
        fails 1 '"p".*(remove it|out of the root)' ferry new pipe p
        cmp "$FERRY_ROOT/ferry.p" before || fail "the file has been changed"
    done
    rm "$FERRY_ROOT/ferry.p"
    mkdir "$FERRY_ROOT/ferry.p"
    fails 1 'not a regular file.*remove it' ferry read p
    rmdir "$FERRY_ROOT/ferry.p"
}

a_path_is_no_name() { # U1
    touch here
    fails 2 'has no slash; "dir/here"' ferry write dir/here hello
    fails 2 'has no slash; "/tmp/x"' ferry read /tmp/x
    fails 2 'does not begin with a dot' ferry read ./here
}

a_full_root_is_a_clear_error() { # G10
    mount -t tmpfs -o size=64k ferry-test "$FERRY_ROOT" 2>/dev/null ||
        skip "mounting a small root needs root's rights"
    trap 'umount "$FERRY_ROOT"' EXIT
    fails 1 'full.*FERRY_ROOT' ferry write p hello
    fails 1 'full.*FERRY_ROOT' ferry read p
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "left behind: $(ls -A "$FERRY_ROOT")"
}

no_descriptors_left_is_a_clear_error() { # G10
    local limit verb worked
    for verb in 'read p' 'write p x'; do
        worked=
        for limit in 4 5 6 7 8 9 10 12 16; do
            try bash -c 'ulimit -n "$1" && exec "$FERRY" $2 --timeout 1ms' bash "$limit" "$verb"
            if [[ $status == 3 ]]; then # nobody came
                worked=$limit
            else
                [[ $status == 1 && $(err) == *'ulimit -n'* ]] || fail "$limit: $status: $(err)"
            fi
            silent ferry rm -f p
            [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "left behind: $(ls -A "$FERRY_ROOT")"
        done
        [[ -n $worked ]] || fail "16 descriptors are not enough"
    done
}

# How many bytes a complaint in file $1 says that went in.
told_bytes()
{
    sed -n 's/.*: \([0-9,]*\) bytes were written.*/\1/p' "$1" | tr -d ,
}

a_reader_that_stops_reading_is_told_of() { # G7 G8 U5
    "$FERRY" read p >arrived &
    local reader=$! status=0
    attached 1
    yes | tr -d '\n' | ferry write p --timeout 300ms 2>complaint &
    local writer=$!
    eventually shows p "d['read_bytes'] > 0"
    kill -STOP "$reader"
    wait "$writer" || status=$?
    kill -CONT "$reader"
    wait "$reader" || fail "the reader ended with $?"
    [[ $status == 3 ]] || fail "the writer ended with $status"
    is_one_line complaint && grep -q 'had no room in time.*ferry show p' complaint ||
        fail "$(cat complaint)"
    [[ $(wc -c <arrived) == "$(told_bytes complaint)" ]] ||
        fail "$(wc -c <arrived) bytes arrived: $(cat complaint)"
}

a_writer_that_says_nothing_is_told_of() { # G7 U5
    local held
    exec {held}> >(exec "$FERRY" write p)
    fails 3 'no bytes came' ferry read p --timeout 30ms {held}>&-
    exec {held}>&-
}

who_has_written_all_needs_no_reader() { # P7 P8
    head -c 65536 /dev/zero >capacity
    (cat capacity && eventually shows p "d['attached'] == 1") | ferry write p &
    ferry read p --count 65536 >arrived || fail "reading ended with $?"
    wait $! || fail "writing ended with $?"
    cmp capacity arrived || fail "other bytes came out"
}

a_broken_output_takes_nothing() { # P2 U5
    local held result=0
    mkfifo broken
    exec {held}> >(exec "$FERRY" write p)
    "$FERRY" read p {held}>&- >broken 2>errors &
    local reader=$!
    : <broken # opens it, and is gone
    ferry read p --timeout 50s {held}>&- >arrived &
    attached 3
    # Whichever reader comes first, the broken one takes nothing.
    seq 1000 >&"$held"
    exec {held}>&-
    wait $! || fail "the other reader ended with $?"
    wait "$reader" || result=$?
    [[ ! -s errors ]] || fail "it complained: $(cat errors)"
    [[ $result == 141 || $result == 0 ]] || fail "it ended with $result"
    cmp arrived <(seq 1000) || fail "the other reader has not all of it"
}

a_full_output_takes_nothing() { # P2 U5
    local held
    exec {held}> >(exec "$FERRY" write p)
    seq 1000 >&"$held"
    fails 1 'standard output could not be written: No space left' \
        eval 'ferry read p >/dev/full {held}>&-'
    ferry read p --count 3893 {held}>&- >arrived || fail "reading ended with $?"
    cmp arrived <(seq 1000) || fail "the next reader has not all of it"
    exec {held}>&-
}

a_reader_that_has_enough_ends_quietly() { # P8 U4
    seq 1000000 | ferry write p 2>complaint &
    ferry read p 2>errors | head -1 >first
    local -a statuses=("${PIPESTATUS[@]}")
    wait $! && fail "the writer ended well"
    [[ ${statuses[0]} == 141 && ! -s errors ]] || fail "${statuses[0]}: $(cat errors)"
    [[ $(cat first) == 1 ]] || fail "$(cat first)"
    is_one_line complaint || fail "$(cat complaint)"
}

a_broken_output_is_said_where_the_signal_is_ignored() { # U4 U5
    seq 1000000 | ferry write p 2>complaint &
    (trap '' PIPE && exec "$FERRY" read p 2>errors) | head -1 >first
    local -a statuses=("${PIPESTATUS[@]}")
    wait $! && fail "the writer ended well"
    [[ ${statuses[0]} == 1 ]] && grep -q 'could not be written: Broken pipe' errors ||
        fail "${statuses[0]}: $(cat errors)"
}

an_input_that_cannot_be_read_is_said() { # U4 U5
    ferry read p >arrived &
    fails 1 'standard input could not be read: Is a directory' eval 'ferry write p <.'
    wait $! || fail "the reader ended with $?"
    ferry read p >arrived &
    fails 1 'standard input could not be read' eval 'ferry write p <&-'
    wait $! || fail "the reader ended with $?"
}

a_line_is_on_its_way_at_once() { # P5
    local in out
    exec {in}> >(exec "$FERRY" write p)
    exec {out}< <(exec {in}>&- "$FERRY" read p)
    local line
    for line in one two three; do
        echo "$line" >&"$in"
        expect_line "$out" "$line"
    done
    exec {in}>&- {out}<&-
}

a_slow_input_holds_nobody_up() { # P10
    local slow out
    exec {slow}> >(exec "$FERRY" write p)
    exec {out}< <(exec {slow}>&- "$FERRY" read p)
    echo first >&"$slow"
    expect_line "$out" first
    silent ferry write p $'second\n' {slow}>&-
    expect_line "$out" second
    echo last >&"$slow"
    exec {slow}>&-
    expect_line "$out" last
    exec {out}<&-
}

a_slow_output_holds_nobody_up() { # P10
    local stuck held
    mkfifo stuck
    exec {stuck}<>stuck # nobody reads it
    exec {held}> >(exec {stuck}>&- "$FERRY" write p)
    "$FERRY" read p {held}>&- {stuck}>&- >stuck &
    local slow=$!
    attached 2
    head -c 500000 /dev/zero >&"$held" &
    # Its output is full now, and a part of the stream waits.
    eventually shows p "d['read_bytes'] >= 65536 and d['depth_bytes'] >= 65536"
    ferry read p --count 100000 {held}>&- {stuck}>&- >arrived || fail "reading ended with $?"
    [[ $(wc -c <arrived) == 100000 ]] || fail "$(wc -c <arrived) bytes arrived"
    cat stuck {held}>&- {stuck}>&- >rest &
    local drain=$!
    exec {held}>&- {stuck}>&-
    wait "$slow" "$drain" || fail "one ended with $?"
    [[ $(wc -c <rest) == 400000 ]] || fail "$(wc -c <rest) bytes were left for the slow one"
}

run_cases "$@"

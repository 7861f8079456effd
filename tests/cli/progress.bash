# ferry write and read --progress.
. "${0%/*}/lib.bash"

# The rate is whatever it is.
summary='[0-9,]+ bytes?( \([0-9]+% of [0-9,]+\))? in [0-9.]+ (ns|µs|ms|s), [0-9.]+ (B|kB|MB|GB)/s'

# says_summary FILE BEGINNING: one line that begins so.
says_summary()
{
    [[ $(wc -l <"$1") == 1 && $(cat "$1") =~ ^$summary$ && $(cat "$1") == "$2"* ]] ||
        fail "it says: $(cat "$1")"
}

a_line_at_the_end_tells_both_sides() { # U4
    head -c 1000000 /dev/zero >million
    ferry write p --progress <million 2>written &
    ferry read p --progress >arrived 2>read || fail "reading ended with $?"
    wait $! || fail "writing ended with $?"
    cmp million arrived || fail "other bytes came out"
    says_summary written '1,000,000 bytes in '
    says_summary read '1,000,000 bytes in '
}

one_byte_is_one_byte() { # U4
    ferry write p x --progress 2>written &
    prints x ferry read p
    wait $!
    says_summary written '1 byte in '
}

what_is_left_of_a_file_is_expected() { # U4
    head -c 1000000 /dev/zero >million
    { head -c 400000 >/dev/null && ferry write p --progress 2>written; } <million &
    ferry read p --progress --size 3000K >arrived 2>read
    wait $!
    [[ $(wc -c <arrived) == 600000 ]] || fail "$(wc -c <arrived) bytes arrived"
    says_summary written '600,000 bytes in '
    says_summary read '600,000 bytes (20% of 3,072,000) in '
}

a_count_is_expected() { # U4
    head -c 1000 /dev/zero | ferry write p &
    ferry read p --progress --count 4000 >arrived 2>read
    wait $!
    says_summary read '1,000 bytes (25% of 4,000) in '
}

a_complaint_comes_behind_it() { # U4 P8
    yes | "$FERRY" write p --progress 2>said &
    ferry read p --count 10 >arrived
    wait $! && fail "the writer ended well"
    [[ $(wc -l <said) == 2 && $(head -1 said) =~ ^$summary$ &&
        $(tail -1 said) == 'ferry: nobody reads the pipe "p" any more: '* ]] || fail "$(cat said)"
}

no_pipe_no_progress() { # U6
    silent ferry new segment s --size 8
    fails 2 '"s" is a segment, and --progress is for pipes' ferry write s x --progress
    fails 2 '"s" is a segment, and --size is for pipes' ferry read s --size 4
    fails 3 'no writer came in time' ferry read p --progress --timeout 10ms
}

# on_terminal COLUMNS COMMAND…: what the command says on a terminal of that width, a line for each
# time that it returns to the first column; the last one counts once nothing has followed for a moment.
on_terminal()
{
    python3 -c 'import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    while seen := os.read(terminal, 4096):
        is_last = not select.select([terminal], [], [], 0.02)[0]
        os.write(1, seen.replace(b"\r", b"\n") + b"\n" * is_last)
except OSError:  # the terminal hung up: the command has ended
    pass
os.waitpid(pid, 0)' "$@"
}

# Reads lines from descriptor $1 until one matches $2; none may be wider than $3.
expect_match()
{
    local line seen=
    while IFS= read -r -t "$CASE_LIMIT_S" -u "$1" line; do
        ((${#line} <= $3)) || fail "too wide for the terminal: \"$line\""
        [[ $line != *$'\e'* ]] || fail "it draws with more than blanks: \"$line\""
        [[ $line =~ $2 ]] && return
        seen+="\"$line\" "
    done
    fail "nothing like \"$2\" came; this did: $seen"
}

a_terminal_sees_it_grow_and_stall() { # U4
    local seen in
    exec {seen}< <(on_terminal 100 sh -c 'exec "$FERRY" read p --progress --size 200 >/dev/null')
    expect_match "$seen" 'waiting for a writer' 99
    exec {in}> >(exec {seen}<&- "$FERRY" write p)
    printf '%100s' x >&"$in"
    expect_match "$seen" '^ *100 B  0:00:0[0-9]  .* B/s  mean .* B/s  \[=+> +\]  50% 0:0.* left' 99
    expect_match "$seen" ' 0 B/s .* 50%' 99
    printf '%50s' x >&"$in"
    expect_match "$seen" '^ *150 B .* 75%' 99
    exec {in}>&-
    expect_match "$seen" '^150 bytes \(75% of 200\) in .*/s$' 99
    cat <&"$seen" >/dev/null # until it has ended
    exec {seen}<&-
}

a_narrow_terminal_sees_less() { # U4
    local seen in
    exec {seen}< <(on_terminal 32 sh -c 'exec "$FERRY" read p --progress --size 200 >/dev/null')
    expect_match "$seen" 'waiting for a writer' 31
    exec {in}> >(exec {seen}<&- "$FERRY" write p)
    printf '%100s' x >&"$in"
    expect_match "$seen" '^ *100 B  0:00:0' 31
    exec {in}>&-
    expect_match "$seen" '^100 bytes' 80
    cat <&"$seen" >/dev/null # until it has ended
    exec {seen}<&-
}

a_stalled_writer_shows_it_too() { # U4
    local seen
    mkfifo typed
    exec {seen}< <(on_terminal 80 sh -c 'exec "$FERRY" write p --progress <typed')
    exec {in}>typed
    expect_match "$seen" 'waiting for a reader' 79
    ferry read p {in}>&- {seen}<&- >arrived &
    printf hello >&"$in"
    expect_match "$seen" '^ *5 B .* mean' 79
    expect_match "$seen" '^ *5 B  0:00:0[1-9]  *0 B/s' 79
    exec {in}>&-
    expect_match "$seen" '^5 bytes in .*/s$' 79
    wait $!
    [[ $(cat arrived) == hello ]] || fail "$(cat arrived)"
    cat <&"$seen" >/dev/null # until it has ended
    exec {seen}<&-
}

run_cases "$@"

# The example programs, run as their reader would run them.
. "${0%/*}/lib.bash"

# Starts the server on a segment; what is written to descriptor $typed it takes for typed, and what
# it says comes from $server_says.
start_server()
{
    mkfifo typed
    exec {server_says}< <(exec "$EXAMPLES/segment_server" "$1" <typed)
    server=$!
    exec {typed}>typed
    expect_line "$server_says" "$1: 4097 bytes, as asked"
}

start_client()
{
    exec {client_says}< <(exec "$EXAMPLES/segment_client" "$1" {typed}>&-)
    client=$!
    expect_line "$client_says" 'at once: ""'
}

server_and_client_count_1_2_1_0() { # X6 H3
    local watched
    exec {watched}< <(exec "$FERRY" ls segment --watch)
    local watcher=$!
    start_server demo
    expect_line "$watched" 'segment demo attached 1'
    start_client demo
    expect_line "$watched" 'segment demo attached 2'
    echo hello >&"$typed"
    expect_line "$client_says" 'after the notice: "hello"'
    expect_line "$watched" 'segment demo attached 1'
    exec {typed}>&-
    expect_line "$watched" 'segment demo attached 0'
    wait "$client" "$server" || fail "one ended with $?"
    json "d['size_bytes'] == 4097 and d['attached'] == 0" ferry show demo --json
    kill "$watcher"
}

the_reader_does_not_wait_and_then_does() { # X6 H5
    start_server demo
    start_client demo
    eventually shows demo "any(m['waiting'] for m in d['members'])"
    read -r -t 0 -u "$client_says" && fail "the client did not wait for the notice"
    echo 'two words' >&"$typed"
    expect_line "$client_says" 'after the notice: "two words"'
    expect_line "$server_says" 'written: "two words"'
    wait "$client" || fail "the client ended with $?"
    exec {typed}>&-
    wait "$server" || fail "the server ended with $?"
}

the_second_exclusive_run_fails() { # X6 G2
    start_server demo
    try "$EXAMPLES/segment_server" demo
    [[ $status == 1 && $(err) == *'"demo" exists'* ]] || fail "$status: $(err)"
    exec {typed}>&-
    wait "$server"
    try "$EXAMPLES/segment_server" demo
    [[ $status == 1 ]] || fail "the segment did not outlive its server"
}

removed_while_attached_shows_two() { # X6 G6 U7
    start_server demo
    start_client demo
    silent ferry rm demo
    works ferry ls
    out | grep -qE '^segment +demo +4097 .* 2 .*removed' || fail "$(out)"
    try "$EXAMPLES/segment_client" demo
    [[ $status == 1 && $(err) == *'no '*'"demo"'* ]] || fail "$status: $(err)"
    echo 'still here' >&"$typed"
    expect_line "$client_says" 'after the notice: "still here"'
    exec {typed}>&-
    wait "$client" "$server" || fail "one ended with $?"
}

a_killed_client_costs_nothing() { # G8 H3
    start_server demo
    start_client demo
    kill -KILL "$client"
    wait "$client" 2>/dev/null
    echo 'go on' >&"$typed"
    expect_line "$server_says" 'written: "go on"'
    json "d['attached'] == 1 and d['death_count'] == 1" ferry show demo --json
    exec {typed}>&-
    wait "$server" || fail "the server ended with $?"
}

two_programs_get_one_key() { # X7 H1
    touch agreed
    local key
    works "$EXAMPLES/keys" agreed 7 'left by the first'
    [[ $(out) =~ ^(key:0x[0-9a-f]{8})' holds ""'$ ]] || fail "$(out)"
    key=${BASH_REMATCH[1]}
    prints "$key holds \"left by the first\"" "$EXAMPLES/keys" "$PWD/agreed" 7 'by the second'
    prints 'by the second' ferry read "key:./agreed:7" --count 13
    json "d['name'] == '$key'" ferry show key:agreed:7 --json
    silent ferry rm key:agreed:7
    prints "$key holds \"\"" "$EXAMPLES/keys" agreed 7 anew
}

another_project_is_another_key() { # X7
    touch agreed
    works "$EXAMPLES/keys" agreed 7 text
    local first
    first=$(out)
    works "$EXAMPLES/keys" agreed 8 text
    [[ ${first%% *} != "$(out | cut -d' ' -f1)" ]] || fail "both are $first"
}

a_program_started_anew_reads_to_the_end() { # G11 P7
    prints $'one\ntwo words' "$EXAMPLES/pipe_exec" one 'two words'
    try "$EXAMPLES/pipe_exec" --read 0
    [[ $status == 1 && $(err) == *'not a pipe that was handed over'* ]] || fail "$status: $(err)"
}

wrong_usage_is_said() { # U5
    local program
    for program in keys pipe_exec segment_server segment_client; do
        try "$EXAMPLES/$program"
        [[ $status == 2 && $(err) == "usage: $program "* ]] || fail "$program: $status: $(err)"
    done
    try "$EXAMPLES/keys" missing 7 text
    [[ $status == 1 && $(err) == *missing* ]] || fail "$status: $(err)"
    touch agreed
    try "$EXAMPLES/keys" agreed 256 text
    [[ $status == 1 && $(err) == *'1 to 255'* ]] || fail "$status: $(err)"
}

run_cases "$@"

# The example programs for pipes, and the command lines that show the same.
. "${0%/*}/lib.bash"

a_pipe_stops_at_its_capacity() { # X1 P4 P6
    prints 'the child stopped at 65536 bytes
0 taken: one more does not go in
1 taken: one more does not go in
64 taken: one more does not go in
4096 taken: one more goes in
the child went on, and ended with 0' "$EXAMPLES/pipe_full"
}

the_command_stops_there_too() { # X1 P4 P6
    local stuck
    mkfifo stuck
    exec {stuck}<>stuck
    head -c 65536 /dev/zero >&"$stuck" # so that the reader cannot go on
    "$FERRY" read full >stuck {stuck}>&- &
    local reader=$!
    yes | tr -d '\n' | ferry write full {stuck}>&- 2>complaint &
    eventually shows full "d['depth_bytes'] == 65536"
    kill "$reader"
    wait "$reader" 2>/dev/null
    wait $! && fail "the writer ended well"
    grep -q ': 65,536 bytes were written' complaint || fail "$(cat complaint)"
}

ends_are_told_as_the_kernel_does() { # X2 P7 P8 P2
    prints 'the writer has closed: "the rest", then 0
the reader has closed: -EPIPE
the same with FERRY_SIGPIPE: the child died of signal 13 (Broken pipe)
seeking: -ESPIPE' "$EXAMPLES/pipe_ends"
}

eight_writers_are_never_mixed() { # X3 P9
    prints '8 writers, 8000 records of 4096 bytes, 0 mixed' "$EXAMPLES/pipe_writers"
}

hello_waits_for_its_reader() { # X4 P12 P13
    echo hello | ferry write p &
    local writer=$!
    eventually shows p "d['attached'] == 1 and d['depth_bytes'] == 0"
    kill -0 "$writer" || fail "the writer did not wait"
    prints hello ferry read p
    wait "$writer" || fail "the writer ended with $?"
    ferry ls --names | grep -qx p || fail "the name has not stayed"
}

bytes_do_not_outlive_their_holders() { # X4 P12
    ferry write p hello &
    ferry read p --count 2 >first || fail "reading ended with $?"
    wait $!
    [[ $(cat first) == he ]] || fail "$(cat first)"
    ferry write p again &
    prints again ferry read p
    wait $! || fail "the writer ended with $?"
}

nothing_is_on_disk() { # X4 P12
    [[ $(stat -f -c %T "$FERRY_ROOT") == tmpfs ]] || fail "the root is on $(stat -f -c %T "$FERRY_ROOT")"
    head -c 50000000 /dev/zero | ferry write p &
    [[ $(ferry read p | wc -c) == 50000000 ]] || fail "other bytes came out"
    wait $! || fail "the writer ended with $?"
    # In memory there is the ring, which is all that a pipe ever takes.
    local file blocks=0
    for file in "$FERRY_ROOT"/*:data:*; do
        blocks=$((blocks + $(stat -c %b "$file")))
    done
    ((blocks * 512 <= 65536)) || fail "$blocks blocks are in use"
}

exclusive_twice_is_an_error() { # X4 G2
    silent ferry new pipe p --exclusive
    fails 1 '"p" exists' ferry new pipe p --exclusive
}

the_umask_shows() { # X4 G2 G4
    umask 027
    silent ferry new pipe p --mode 0666
    json "d['mode'] == '0640'" ferry show p --json
    umask 077
    echo x | ferry write q &
    ferry read q >arrived
    wait
    json "d['mode'] == '0600'" ferry show q --json
}

# ---- The command server -----------------------------------------------------------------------------

start_server()
{
    exec {server_says}< <(exec "$EXAMPLES/command_server" commands "$@")
    server=$!
    expect_line "$server_says" 'commands: ready'
}

# Ends it, and looks that its children go, too.
stop_server()
{
    kill "$server"
    cat <&"$server_says" # until all who hold it have ended
    wait "$server" 2>/dev/null
    exec {server_says}<&-
}

client()
{
    "$EXAMPLES/command_client" commands "$@"
}

what_is_allowed_is_run() { # X5 C3
    start_server seq printf sh
    prints $'1\n2\n3' client seq 3
    prints '$HOME `id` * ; rm' client printf '%s' '$HOME `id` * ; rm'
    prints 'two words|' client printf '%s|' 'two words'
    try client sh -c 'echo out; echo err >&2; exit 7'
    [[ $status == 7 && $(out) == $'out\nerr' ]] || fail "$status: $(out)"
    try client sh -c 'kill -9 $$'
    [[ $status == 137 ]] || fail "$status"
    works client seq 100000
    cmp "$CASE/out" <(seq 100000) || fail "other output"
    stop_server
}

what_is_not_allowed_is_refused() { # X5 C3
    touch here
    start_server seq
    local program
    for program in rm sh ./seq /usr/bin/seq '' 'seq 3' 'seq;rm'; do
        try client "$program" here
        [[ $status == 126 && $(err) == *"$program is not allowed" ]] || fail "$status: $(err)"
    done
    [[ -e here ]] || fail "it ran all the same"
    prints 1 client seq 1
    stop_server
}

output_comes_as_it_is_made() { # X5
    local answer
    mkfifo go
    start_server sh
    exec {answer}< <(exec "$EXAMPLES/command_client" commands sh -c 'echo first; read x <go; echo $x')
    expect_line "$answer" first
    echo second >go
    expect_line "$answer" second
    cat <&"$answer" # until it has ended
    exec {answer}<&-
    stop_server
}

several_clients_at_once() { # X5
    local i
    start_server seq sh
    mkfifo go
    client sh -c 'read x <go; echo $x' >slow &
    local slow=$! others=()
    for i in 1 2 3 4 5 6 7 8; do
        client seq "$i" 20000 >"answer.$i" &
        others+=($!)
    done
    wait "${others[@]}" || fail "one ended with $?"
    for i in 1 2 3 4 5 6 7 8; do
        cmp "answer.$i" <(seq "$i" 20000) || fail "client $i has another's answer"
    done
    echo late >go
    wait "$slow" || fail "the slow one ended with $?"
    [[ $(cat slow) == late ]] || fail "$(cat slow)"
    stop_server
}

clients_that_die_cost_nothing() { # X5 G8
    local i
    start_server seq sh
    for ((i = 0; i < 40; i++)); do
        # Killed at any moment from its start to its end.
        "$EXAMPLES/command_client" commands sh -c 'yes | head -n 3000; exec sleep 1000' >/dev/null &
        local doomed=$! spin
        for ((spin = 0; spin < i * 100; spin++)); do :; done
        kill -KILL "$doomed"
        wait "$doomed" 2>/dev/null
    done
    prints $'1\n2' client seq 2
    # Their programs are killed, and with the last of the server's children their pipes are gone.
    eventually only_requests_left
    stop_server
}

only_requests_left()
{
    [[ $(ferry ls --names) == commands ]] && shows commands "d['attached'] == 1"
}

nonsense_is_no_request() { # X5 G9
    start_server seq
    local text
    for text in x 'no final 0' $'commands.1' "$(head -c 60000 /dev/zero | tr '\0' a)"; do
        silent ferry write commands "$text"
    done
    head -c 20000 /dev/urandom | tr '\n' x | ferry write commands || fail "it was not taken"
    head -c 1000 /dev/zero | ferry write commands || fail "it was not taken"
    prints 1 client seq 1
    stop_server
}

a_client_without_a_server_is_told() { # X5 B5
    try client seq 3
    [[ $status == 125 && $(err) == *'cannot reach the server'* ]] || fail "$status: $(err)"
    start_server sh
    client sh -c 'echo $PPID $$; exec sleep 1000' >pids 2>errors &
    local waiting=$! result=0 child program
    eventually test -s pids
    read -r child program <pids
    kill -KILL "$child" # who serves this one
    wait "$waiting" || result=$?
    [[ $result == 125 && $(cat errors) == *'server died'* ]] || fail "$result: $(cat errors)"
    kill "$server"
    wait "$server" 2>/dev/null
    kill "$program" # as the child would have done
    try client sh -c true
    [[ $status == 125 && $(err) == *'cannot reach the server'* ]] || fail "$status: $(err)"
}

# ---- The same of ferry read and ferry write ------------------------------------------------------------

ask()
{
    ferry write cmds "cmds.$1 ${*:2}"$'\n' && ferry read "cmds.$1" && ferry rm -f "cmds.$1"
}

a_shell_serves_as_well() { # X5
    PATH=${FERRY%/*}:$PATH "$SOURCE/examples/command_server.bash" cmds seq echo &
    local server=$!
    eventually shows cmds "d['attached'] == 2"
    prints $'1\n2\n3\nexit status 0' ask 1 seq 3
    prints $'* $HOME ;\nexit status 0' ask 2 echo '*' '$HOME' ';'
    prints $'rm is not allowed\nexit status 1' ask 3 rm x
    prints $'1\nexit status 0' ask 4 seq 1
    # The writer that stays is told to go; the rest follows.
    kill "$(ferry show cmds --json | python3 -c 'import json, sys
print(*[m["pid"] for m in json.load(sys.stdin)["members"] if m["role"] == "write"])')"
    wait "$server" || fail "the server ended with $?"
}

wrong_usage_is_said() { # U5
    local program
    for program in command_server command_client; do
        try "$EXAMPLES/$program" x
        [[ $status == 2 && $(err) == "usage: $program "* ]] || fail "$program: $status: $(err)"
    done
}

run_cases "$@"

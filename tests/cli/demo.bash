# The tour: it works, it is short, and it cleans up however it ends.
. "${0%/*}/lib.bash"

left_over()
{
    ls -A "$FERRY_ROOT"
}

the_tour_works_and_leaves_nothing() { # U8 G8
    works ferry demo
    [[ -z $(left_over) ]] || fail "left: $(left_over)"
    local what
    for what in '4,097 bytes' 'attached 1$' 'attached 2$' 'kill -9' 'EOWNERDEAD' '0 objects left'; do
        out | grep -q -e "$what" || fail "the tour lacks $what"
    done
}

the_tour_is_short_and_narrow() { # U8
    works ferry demo
    (($(out | wc -l) <= 40)) || fail "$(out | wc -l) lines"
    (($(out | wc -L) <= 80)) || fail "wider than 80 columns"
}

the_tour_works_on_one_core() { # U8 G15
    command -v taskset >/dev/null || skip "there is no taskset"
    works taskset -c "$(taskset -cp $$ | grep -oE '[0-9]+$')" "$FERRY" demo
}

tours_do_not_meet() { # U8
    local i
    for i in 1 2 3 4; do
        ferry demo >"tour$i" 2>&1 &
    done
    for i in 1 2 3 4; do
        wait -n || fail "a tour failed: $(grep ^ferry tour*)"
    done
    [[ -z $(left_over) ]] || fail "left: $(left_over)"
}

what_the_tour_suggests_works() { # U8
    works ferry demo
    silent ferry new segment demo --size 4097
    ferry wait demo &
    eventually shows demo "d['members'][0]['waiting']"
    echo hello | ferry write demo --lock || fail "writing failed"
    wait -n || fail "waiting failed"
    works ferry show demo
    silent ferry rm demo
}

# Starts the tour with signals as a shell would at a terminal, and waits for its first line.
start_tour()
{
    mkfifo story
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$FERRY" demo >story 2>errors &
    tour=$!
    exec {story}<story
    local line
    read -r -u "$story" line
}

ends_clean_by() # SIGNAL
{
    local status=0
    start_tour
    kill "-$1" "$tour"
    wait "$tour" 2>/dev/null || status=$?
    [[ $status == "$((128 + $(kill -l "$1")))" || $status == 0 ]] || fail "ended with $status"
    [[ -z $(left_over) ]] || fail "left: $(left_over)"
    [[ ! -s errors ]] || fail "complained: $(cat errors)"
}

an_interrupted_tour_cleans_up() { # U8
    ends_clean_by INT
}

a_terminated_tour_cleans_up() { # U8
    ends_clean_by TERM
}

a_tour_whose_terminal_is_gone_cleans_up() { # U8
    ends_clean_by HUP
}

a_tour_whose_narrator_is_killed_cleans_up() { # G8
    start_tour
    local narrator status=0
    narrator=$(cat "/proc/$tour/task/$tour/children" 2>/dev/null)
    [[ -n $narrator ]] || skip "the kernel does not tell who is whose child"
    kill -KILL "${narrator% }"
    wait "$tour" 2>/dev/null || status=$?
    [[ $status == 137 || $status == 0 ]] || fail "ended with $status"
    [[ -z $(left_over) ]] || fail "left: $(left_over)"
}

a_tour_that_nobody_reads_cleans_up() { # U4
    local line
    exec {story}< <(exec "$FERRY" demo)
    read -r -u "$story" line
    exec {story}<&-
    wait $! 2>/dev/null
    [[ -z $(left_over) ]] || fail "left: $(left_over)"
}

a_tour_needs_a_place() { # U4 G10
    FERRY_ROOT=$CASE/missing fails 1 'cannot be made: No such file.*; set FERRY_ROOT' ferry demo
}

it_does_not_matter_how_it_was_started() { # U8
    works python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$FERRY" demo
}

run_cases "$@"

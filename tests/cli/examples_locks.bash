# The example programs for mutexes and what stands on them, and the command lines that show the same.
. "${0%/*}/lib.bash"

makers_and_takers_share_a_monitor() { # E6 G8
    works "$EXAMPLES/monitor_buffer"
    [[ $(out) == '4000 made, 4000 taken, none lost and none twice' ]] || fail "$(out)"
}

readers_see_whole_pairs() { # E6
    works "$EXAMPLES/readers_writers"
    [[ $(out) == 'written 4000 times, and always read whole' ]] || fail "$(out)"
}

philosophers_eat_in_order() { # E7
    works "$EXAMPLES/philosophers"
    [[ $(out) == '5 of 5 philosophers have eaten' ]] || fail "$(out)"
}

# Does the doctor name a deadlock of so many processes?
names_deadlock_of()
{
    ferry doctor --json |
        python3 -c 'import json, sys; d = json.load(sys.stdin)
sys.exit([len(x["processes"]) for x in d["deadlocks"]] != [int(sys.argv[1])])' "$1"
}

philosophers_that_are_stuck_are_named() { # E7
    "$EXAMPLES/philosophers" --stuck >dinner &
    local table=$!
    eventually names_deadlock_of 5
    json 'sorted(d["deadlocks"][0]["objects"]) == ["fork0", "fork1", "fork2", "fork3", "fork4"] and not d["well"]' \
        doctor_fails --json
    doctor_fails >report
    [[ $(grep -c '^  pid [0-9]* (philosophers) waits for mutex fork[0-4], which pid [0-9]* (philosophers) has$' report) == 5 ]] ||
        fail "$(cat report)"
    kill -9 "$(pgrep -P "$table" | head -1)"
    wait "$table" || fail "dinner ended with $?"
    [[ $(cat dinner) == '4 of 5 philosophers have eaten' ]] || fail "$(cat dinner)"
}

# The doctor finds something, and says so by its status.
doctor_fails()
{
    local status=0
    ferry doctor "$@" || status=$?
    [[ $status == 1 ]]
}

SEES_ONLY_ITS_OWN=yes
run_cases "$@"

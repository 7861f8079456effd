# Saved runs are shown again and compared: a planted slow-down is seen, and what did not change is not.

. "${0%/*}/../cli/lib.bash"

ROUNDS=${FERRY_BENCH_TEST_ROUNDS:-12}

# plant FILE: the only plug-in from now on.
plant()
{
    export FERRY_BENCH_PLUGINS=$PWD/plugins
    rm -rf plugins
    mkdir -m 755 plugins
    install -m 644 "$PLANTED/$1" plugins/
}

measure() { "$FERRY" bench --json --rounds "$ROUNDS" "$@" lock-pair; }

# changes_in FILE LIST: are those, as Python has them, what that comparison found?
changes_in()
{
    python3 -c 'import json, sys
d = json.load(sys.stdin)
found = [(change["change"], change["side"]) for change in d["changes"]]
sys.exit(found != eval(sys.argv[1]) and repr((d["changes"], d["compared"])))' "$2" <"$1"
}

changes_are() { changes_in "$CASE/out" "$1" || fail "the changes are not $1"; }

# A machine in turmoil can hide even this slow-down, and the comparison says so; then both runs are
# worth nothing.
measure_a_slow_down()
{
    plant lock.so
    measure >old.json
    plant slower_lock.so
    measure --compare old.json >slow.json
    changes_in slow.json '[("slower", "planted")]'
}

a_planted_slow_down_is_seen_and_nothing_else() { # ferry bench --compare
    eventually measure_a_slow_down
    works ferry bench --from old.json --compare slow.json --json
    changes_are '[("faster", "planted")]'
    try ferry bench --from slow.json --compare old.json --fail-on-slower
    # shellcheck disable=SC2154 # `try` sets it
    [[ $status == 1 ]] || fail "something got slower, and the status was $status"
    [[ $(out) == *slower*planted*lock-pair* ]] || fail "the table does not tell: $(out)"
    plant lock.so
    works measure --compare old.json --fail-on-slower
    changes_are '[]'
}

a_saved_run_is_shown_as_it_was() { # ferry bench --from
    works "$FERRY" bench --json --quick --rounds 2 lock-pair tell
    cp "$CASE/out" run.json
    works ferry bench --from run.json --json
    cmp run.json "$CASE/out" || fail "it is not what was saved"
    ferry bench --from - --json <run.json | cmp run.json - || fail "it is not what was saved, through standard input"
    works ferry bench --from run.json
    [[ $(out) == *"two bare swaps"* ]] || fail "no table: $(out)"
}

few_rounds_are_said_to_be_too_few() { # ferry bench --compare
    works "$FERRY" bench --json --quick --rounds 2 lock-pair
    cp "$CASE/out" run.json
    json '(d["changes"] == [] and d["compared"]["same"] == 0 and d["compared"]["untold"] > 0
           and 5 < d["compared"]["enough_rounds"] < 15)' \
        ferry bench --from run.json --compare run.json --json
    works ferry bench --from run.json --compare run.json
    [[ $(out) == *"both runs need --rounds"* ]] || fail "not said: $(out)"
}

what_is_no_saved_run_is_told_in_one_line() { # ferry bench --from
    echo '{"format": 1, "ferry": "x"}' >half.json
    echo '{"format": 1000}' >other.json
    fails 1 'nowhere.json: No such file.*--json' ferry bench --from nowhere.json
    fails 1 'no saved run: "when", a text, is missing' ferry bench --from half.json
    fails 1 'format 1000, and this ferry reads' ferry bench --from other.json
    fails 1 'no saved run: line 1: not JSON' ferry bench --compare /etc/passwd lock-pair
}

run_cases "$@"

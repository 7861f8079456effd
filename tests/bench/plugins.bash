# Plug-ins of the bench: which are taken, what is said of the others, and what a faulty one costs.

. "${0%/*}/../cli/lib.bash"

# The cheapest look: one experiment in one placement.
look() { "$FERRY" bench --quick --rounds 1 --json "$@"; }

# plant FILE…: the plug-ins of this case.
plant()
{
    export FERRY_BENCH_PLUGINS=$PWD/plugins PLANTED_MARKS=$PWD/marks FERRY_BENCH_PATIENCE=3
    mkdir -p plugins marks
    chmod go-w plugins
    local file
    for file; do
        install -m 644 "$PLANTED/$file" plugins/
    done
}

two_cores() { (($(nproc) > 1)) || skip "this takes two cores"; }

all_plugins_are_measured_or_named() { # ferry bench
    two_cores
    json 'all(any(word in line for line in
              [row["side"] for series in d["series"] for row in series["rows"]] + d["missing"])
          for word in ("ZeroMQ", "nng", "Boost"))' look message-48-spin
}

a_directory_that_is_not_there_is_named() { # ferry bench
    export FERRY_BENCH_PLUGINS=$PWD/nowhere
    json 'any("nowhere: No such file" in line for line in d["missing"])' look tell
}

what_does_not_fit_is_named_and_the_rest_measured() { # ferry bench
    two_cores
    plant faulty.so older.so wider.so stranger.so
    echo "no library at all" >plugins/text.so
    : >plugins/empty.so
    echo "not even looked at" >plugins/README
    json '(all(sum(name + ": " in line and reason in line for line in d["missing"]) == 1
              for name, reason in (("older.so", "another version"), ("wider.so", "another version"),
                                   ("stranger.so", "no ferry_bench_plugin"),
                                   ("text.so", ""), ("empty.so", "")))
          and not any("README" in line for line in d["missing"])
          and any(row["side"] == "planted sound" and len(row["rounds"]) == 1
                  for series in d["series"] for row in series["rows"]))' look message-48-spin
}

a_message_that_came_twice_or_out_of_turn_is_noticed() { # ferry bench
    plant crowd.so
    cat >expect.py <<'PYTHON'
import json, sys
rows = [row for series in json.load(sys.stdin)["series"] for row in series["rows"] if "planted" in row["side"]]
trouble = {"twice": ["or others than these"], "deaf": ["has 0x", "that nobody has sent"]}
assert len(rows) >= 6, rows
for row in rows:
    expected = trouble.get(row["side"].removeprefix("planted "))
    assert "rounds" in row if not expected else any(text in row["trouble"] for text in expected), row
PYTHON
    works look four-senders many-to-many typed-64 priority-64 --side planted
    out | python3 expect.py || fail "the rows were others: $(out)"
}

a_faulty_side_costs_its_own_row_alone() { # ferry bench
    two_cores
    plant faulty.so
    cat >expect.py <<'PYTHON'
import json, sys
[series] = json.load(sys.stdin)["series"]
rows = {row["side"]: row for row in series["rows"]}
for name, reason in (("crashing", "Segmentation fault"), ("hanging", "did not come to an end"),
                     ("lying", "has 0x"), ("refusing", "has none")):
    row = rows.pop("planted " + name)
    assert reason in row["trouble"] and "rounds" not in row, row
    assert row["unavailable"] == (name == "refusing"), row
for row in rows.values():
    assert len(row["rounds"]) == 1, row
assert "planted sound" in rows
PYTHON
    works look message-48-spin
    out | python3 expect.py || fail "the rows were others: $(out)"
    [[ -z $(ls marks) ]] || fail "something made was not unmade: $(ls marks)"
}

an_interrupt_unmakes_everything() { # ferry bench
    two_cores
    plant faulty.so
    export FERRY_BENCH_PATIENCE=1000
    set -m # so that it has a process group of its own, and hears of interrupts
    look message-48-spin >result 2>&1 &
    local bench=$!
    eventually hangs
    kill -INT -- "-$bench"
    wait "$bench"
    [[ $? == 130 ]] || fail "the interrupt did not end it: $(cat result)"
    eventually is_gone "$bench"
    [[ -z $(ls marks) ]] || fail "something made was not unmade: $(ls marks)"
}

hangs() { compgen -G 'marks/*.hangs'; }

is_gone() { ! kill -0 -- "-$1"; }

root_loads_nothing_that_others_may_write() { # ferry bench
    [[ $(id -u) == 0 ]] || skip "this takes root"
    plant faulty.so
    chmod o+w plugins
    json 'any("other users may write it" in line for line in d["missing"])' look tell
    chmod o-w plugins
    chmod g+w plugins/faulty.so
    json 'any("faulty.so" in line and "other users may write it" in line for line in d["missing"])' \
        look tell
    chmod g-w plugins/faulty.so
    chown 12345 plugins/faulty.so
    json 'any("another user owns it" in line for line in d["missing"])' look tell
}

run_cases "$@"

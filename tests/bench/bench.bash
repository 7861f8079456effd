# `ferry bench`: every side does what it is there for, wherever it is run, and says what it cannot.
. "${0%/*}/../cli/lib.bash"

# One round and its warm-up: no figures to rely on, but everything happens that happens in a long run.
brief()
{
    ferry bench --quick --rounds 1 --json "$@"
}

every_side_works() { # U8
    json '([r for s in d["series"] for r in s["rows"] if "trouble" in r and not r["unavailable"]] == [] and
          all(r["cost"] > 0 for s in d["series"] if s["measure"] != "count" for r in s["rows"] if "cost" in r))' brief
    local what
    for what in 'bare futex' pipe FIFO eventfd 'unix stream' 'System V queue' 'System V semaphore' signals sem_t \
        'robust pthread mutex' 'ferry pipe' 'ferry pipe, in place' 'ferry queue' \
        'ferry queue, sole' 'ferry queue, 16 at once' 'ferry queue by loan' 'ferry queue typed' \
        'ferry queue priority' 'segment notice' 'segment lock' segment; do
        out | grep -q "\"side\": \"$what\"" || fail "there is no row of $what"
    done
}

ratios_and_bars_are_of_the_rows_they_name() { # U8
    json '(all(abs(r["to_floor"]["median"] - r["cost"] / f["cost"]) < 1e-3 * r["to_floor"]["median"]
              for s in d["series"] for f in s["rows"] if f["side"] == s["floor"] for r in s["rows"]) and
          all(b["met"] == (b["found"] <= b["at_most"]) for s in d["series"] for b in s["bars"]) and
          len(d["series"][0]["bars"]) >= 3)' brief lock-pair
}

round_trips_are_timed_one_by_one() { # U8
    json '[r for s in d["series"] for r in s["rows"] if not
           0 < r["percentiles_ns"]["50"] <= r["percentiles_ns"]["99"] <= r["percentiles_ns"]["99.9"]] == []' \
        brief message-64 --side 'pipe,unix datagram'
    works ferry bench --quick --rounds 1 message-64 --side pipe
    out | grep -q '50%.*99%.*99.9%' || fail "there is no column of percentiles"
}

system_calls_are_counted_exactly() { # U8
    json '({r["side"]: r["calls"] for r in d["series"][0]["rows"]}.items() >=
          {"two bare swaps": 0, "System V semaphore": 2, "segment lock": 0}.items())' brief lock-pair
    json 'abs(dict((r["side"], r.get("calls")) for r in d["series"][0]["rows"] if "cost" in r)["pipe"] - 4) < 0.1' \
        brief message-64 --side pipe
}

an_idle_waiter_sleeps_through() { # G15
    json '({r["side"]: r["cost"] for r in d["series"][0]["rows"]}.items() >=
          {"segment notice": 0, "ferry pipe": 0, "ferry queue": 0, "ferry queue typed": 0}.items())' \
        brief idle --side 'segment,ferry'
}

on_one_processor_it_measures_what_can_be() { # U8
    command -v taskset >/dev/null || skip "there is no taskset"
    local cpu
    cpu=$(taskset -cp $$ | grep -oE '[0-9]+$')
    json '{s["placement"] for s in d["series"]} == {"one core"} and any("two cores" in m for m in d["missing"])' \
        taskset -c "$cpu" "$FERRY" bench --quick --rounds 1 --json wake --side segment
}

nobody_may_run_it_too() { # U8
    [[ $(id -u) == 0 ]] || skip "only root can become nobody"
    command -v setpriv >/dev/null || skip "there is no setpriv"
    chmod 777 "$FERRY_ROOT"
    chmod 711 "$CASE"
    setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$FERRY" || skip "nobody may not reach the command"
    json '({s["placement"] for s in d["series"]} <= {"two cores", "one core"} and
          any("kept awake" in m for m in d["missing"]) and
          all("trouble" not in r for s in d["series"] for r in s["rows"]))' \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$FERRY" bench --quick --rounds 1 --json wake --side segment
}

a_name_is_exact_or_a_beginning() { # U8
    json '{s["name"] for s in d["series"]} == {"message-64"}' brief message-64 --side segment
    json '{s["name"] for s in d["series"]} == {"create"}' brief cre --side segment
}

the_list_names_experiments_and_sides() { # U8
    works ferry bench --list
    out | grep -q '^lock-pair: ' || fail "no lock-pair"
    out | grep -q ' · segment lock' || fail "no segment lock"
}

mistakes_are_said_before_measuring() { # U4 U5
    fails 2 'no experiment "lock-pear"; did you mean "lock-pair"' ferry bench lock-pear
    fails 2 'no side "nobody".*--list' ferry bench lock-pair --side nobody
    fails 2 'not two processors; write them as in 2,3' ferry bench --cpus 1
    fails 1 'may not use processors 0,4095' ferry bench --cpus 0,4095
    fails 2 'from 1 to 1000' ferry bench --rounds 0
    fails 2 'goes with --compare' ferry bench --fail-on-slower
    fails 2 'a saved run as it is' ferry bench --from run.json lock-pair
    fails 1 'missing.json: No such file.*saves a run' ferry bench --compare missing.json
    fails 1 'could not be written' ferry bench --html nowhere/report.html
}

run_cases "$@"

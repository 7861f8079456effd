# ferry ls --watch.
. "${0%/*}/lib.bash"

# Starts watching with these arguments; lines come from descriptor $lines.
start_watching()
{
    exec {lines}< <(exec "$FERRY" ls --watch "$@")
    watcher=$!
}

stop_watching()
{
    kill "$watcher"
    wait "$watcher" 2>/dev/null
    exec {lines}<&-
}

each_attach_and_detach_makes_a_line() { # X6 U7
    local first second
    mkfifo a b
    start_watching
    silent ferry new segment demo --size 4097
    expect_line "$lines" 'segment demo attached 0'
    ferry write demo <a &
    exec {first}>a
    expect_line "$lines" 'segment demo attached 1'
    ferry write demo <b {first}>&- &
    exec {second}>b
    expect_line "$lines" 'segment demo attached 2'
    exec {second}>&-
    expect_line "$lines" 'segment demo attached 1'
    exec {first}>&-
    expect_line "$lines" 'segment demo attached 0'
    silent ferry rm demo
    expect_line "$lines" 'segment demo gone'
    wait -n
    stop_watching
}

lines_go_to_a_file_at_once() { # X6
    silent ferry new segment demo --size 8
    "$FERRY" ls --watch >watched &
    watcher=$!
    eventually grep -qx 'segment demo attached 0' watched
    hold_lock demo
    eventually grep -qx 'segment demo attached 1' watched
    release_lock
    eventually eval "grep '^segment demo ' watched | tail -1 | grep -qx 'segment demo attached 0'"
    kill "$watcher"
}

a_death_makes_a_line() { # G8 U7
    silent ferry new segment demo --size 8
    start_watching
    hold_lock demo
    expect_line "$lines" 'segment demo attached 1'
    kill_holder
    expect_line "$lines" 'segment demo attached 0 (+1 dead), lock left by the dead'
    stop_watching
}

a_removal_makes_a_line_and_names_a_holder() { # X6 G6 U7
    silent ferry new segment demo --size 8
    start_watching
    hold_lock demo
    expect_line "$lines" 'segment demo attached 1'
    silent ferry rm demo
    local line
    read -r -t "$CASE_LIMIT_S" -u "$lines" line
    [[ $line =~ ^"segment demo attached 1, removed, still held:$holder:"[0-9]+$ ]] || fail "$line"
    release_lock
    expect_line "$lines" 'segment demo gone'
    stop_watching
}

a_visit_between_two_looks_makes_a_line() { # U7
    silent ferry new segment demo --size 8
    start_watching
    expect_line "$lines" 'segment demo attached 0'
    silent ferry write demo x
    expect_line "$lines" 'segment demo attached 0'
    stop_watching
}

only_the_kinds_asked_for_are_watched() { # U7 U2
    start_watching segment
    silent ferry new segment demo --size 8
    expect_line "$lines" 'segment demo attached 0'
    stop_watching
    fails 2 'no kind "queues"' ferry ls queues --watch
}

as_json_each_change_is_one_document() { # U4
    silent ferry new segment demo --size 8
    start_watching --json
    local line
    read -r -t "$CASE_LIMIT_S" -u "$lines" line
    json "not d['gone'] and d['name'] == 'demo' and d['size_bytes'] == 8" echo "$line"
    silent ferry rm demo
    read -r -t "$CASE_LIMIT_S" -u "$lines" line
    json "d['gone'] and list(d)[0] == 'gone' and d['name'] == 'demo'" echo "$line"
    stop_watching
}

it_ends_when_nobody_reads() { # U4
    silent ferry new segment demo --size 8
    start_watching
    expect_line "$lines" 'segment demo attached 0'
    exec {lines}<&-
    wait "$watcher"
}

on_a_terminal_the_table_is_redrawn() { # U7
    silent ferry new segment demo --size 8
    python3 - "$FERRY" <<'PYTHON' || fail "the table was not redrawn"
import os, pty, signal, subprocess, sys

ferry = sys.argv[1]
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ["TERM"] = "xterm"
    os.execv(ferry, [ferry, "ls", "--watch"])

def read_until(text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 4096)
    return seen

first = read_until(b"demo")
assert b"\x1b[H\x1b[J" in first and b"\x1b[1mKIND" in first, first
subprocess.run([ferry, "new", "segment", "other", "--size", "8"], check=True)
read_until(b"other")
os.write(terminal, b"\x03")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
PYTHON
}

run_cases "$@"

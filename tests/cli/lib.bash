# The frame of the command's tests: sourced first; `run_cases` ends each file.
#
# A function whose opening line ends in a comment is a case, and the comment cites the contract:
#
#     rm_of_nothing_is_3() { # U6
#
# Each case runs in a bash of its own with a private root and an empty working directory.  It passes
# if it comes to its end before the alarm, which only a hang reaches; if `ferry rm` can remove what
# it made and then nothing is left in the root; and if no process is left running.  What it prints
# goes to standard error; TAP alone goes to standard output.
#
# Taken from the environment: FERRY, the command; EXAMPLES, the directory of the example programs;
# HOLDER, a program that holds a segment's lock; SOURCE, the top of the source tree.

export LC_ALL=C.UTF-8
unset NO_COLOR

CASE_LIMIT_S=240
SKIPPED=77

ferry()
{
    "$FERRY" "$@"
}

# ---- Checks ----------------------------------------------------------------------------------------

# Says what was wrong, and where in the test, and ends the case.
fail()
{
    local frame=0 line function file
    while read -r line function file < <(caller $frame) && [[ $file == *lib.bash ]]; do
        frame=$((frame + 1))
    done
    printf '%s:%s: %s: %s\n' "$file" "$line" "$function" "$*" >&2
    exit 1
}

skip()
{
    printf '%s\n' "$*" >"$CASE/skip"
    exit $SKIPPED
}

# Runs a command; its exit status, output and errors are then in $status, `out` and `err`.
try()
{
    status=0
    "$@" >"$CASE/out" 2>"$CASE/err" </dev/null || status=$?
}

out() { cat "$CASE/out"; }
err() { cat "$CASE/err"; }

# Succeeds without complaint; what it printed is in `out`.
works()
{
    try "$@"
    [[ $status == 0 ]] || fail "\`$*\` ended with $status: $(err)"
    [[ ! -s $CASE/err ]] || fail "\`$*\` complained: $(err)"
}

# Succeeds without a word.
silent()
{
    works "$@"
    [[ ! -s $CASE/out ]] || fail "\`$*\` printed: $(out)"
}

# Succeeds and prints exactly this.
prints()
{
    local expected=$1
    shift
    works "$@"
    [[ $(out) == "$expected" ]] || fail "\`$*\` printed \"$(out)\", not \"$expected\""
}

# fails STATUS PATTERN COMMAND…: ends with that status, prints nothing, and complains in one line
# that matches the extended regular expression.
fails()
{
    local expected=$1 pattern=$2
    shift 2
    try "$@"
    [[ $status == "$expected" ]] || fail "\`$*\` ended with $status, not $expected: $(err)"
    [[ ! -s $CASE/out ]] || fail "\`$*\` failed and printed: $(out)"
    is_one_line "$CASE/err" || fail "\`$*\` complained in other than one line: $(err)"
    [[ $(err) == "ferry: "* ]] || fail "\`$*\` complained in a strange manner: $(err)"
    [[ $(err) =~ $pattern ]] || fail "\`$*\` complained, but not of $pattern: $(err)"
}

is_one_line()
{
    [[ $(wc -l <"$1") == 1 ]]
}

# json EXPRESSION COMMAND…: what the command prints is JSON, and the expression holds of it as `d`.
json()
{
    local expression=$1
    shift
    works "$@"
    python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' \
        "$expression" <"$CASE/out" || fail "\`$*\`: not so: $expression; it printed: $(out)"
}

# Tries until the command succeeds; the case's own limit is the only one.
eventually()
{
    until "$@" >/dev/null 2>&1; do
        :
    done
}

# Does that expression hold of `ferry show NAME --json`, as `d`?
shows()
{
    ferry show "$1" --json |
        python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' "$2"
}

# Has the process $1 ended, its status asked for or not?
gone()
{
    [[ ! -e /proc/$1 ]] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

# Reads lines from descriptor $1 until one is exactly $2.
expect_line()
{
    local line seen=
    while IFS= read -r -t "$CASE_LIMIT_S" -u "$1" line; do
        [[ $line == "$2" ]] && return
        seen+="\"$line\" "
    done
    fail "the line \"$2\" never came; these did: $seen"
}

# Starts a process that takes a segment's lock and returns once it has it; its pid is in $holder.
hold_lock()
{
    exec {holder_end}> >(exec "$HOLDER" "$1" >"$CASE/held")
    holder=$!
    eventually grep -q held "$CASE/held"
}

release_lock()
{
    echo >&"$holder_end"
    exec {holder_end}>&-
    wait "$holder" || fail "the holder ended with $?"
}

kill_holder()
{
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
    exec {holder_end}>&-
}

# ---- Cases -----------------------------------------------------------------------------------------

case_lines()
{
    grep -oE '^[a-z0-9_]+\(\) *\{ # .*' "$0"
}

remove_objects()
{
    ferry ls --names | grep -v '^held:' | xargs -rd '\n' "$FERRY" rm -f --
}

run_one()
{
    cd "$CASE/desk" || exit 1
    set -u
    "$1"
    remove_objects || fail "what the case made could not be removed"
    local left
    left=$(ls -A "$FERRY_ROOT")
    [[ -z $left ]] || fail "left in the root: $left"
}

# Is nobody left of the process group of the case?  Who has ended may still wait for an init that asks for its status.
group_is_gone()
{
    local pid
    for pid in $(pgrep -g "$1"); do
        gone "$pid" || return 1
    done
}

end_group()
{
    local i
    for ((i = 0; i < 100; i++)); do
        group_is_gone "$1" && return 0
    done
    kill -KILL -- "-$1" 2>/dev/null
    return 1
}

# Runs a case in a process group of its own, which timeout(1) makes; where SEES_ONLY_ITS_OWN is set and that can be had, among no
# processes but its own, for what looks at all that there are.
run_apart()
{
    CASE=$(mktemp -d /dev/shm/ferry-cli.XXXXXX) || exit 1
    export CASE FERRY_ROOT=$CASE/root
    mkdir "$CASE/root" "$CASE/desk"
    local apart=()
    if [[ -n ${SEES_ONLY_ITS_OWN:-} ]] && unshare --pid --fork --mount-proc true 2>/dev/null; then
        apart=(unshare --pid --fork --mount-proc)
    fi
    timeout -k 5 "$CASE_LIMIT_S" "${apart[@]}" bash "$0" "$1" >&2 &
    local group=$! result=0
    wait "$group" || result=$?
    if ! end_group "$group" && [[ $result == 0 ]]; then
        echo "$1: left processes running" >&2
        result=1
    fi
    why=$(cat "$CASE/skip" 2>/dev/null)
    rm -rf "$CASE"
    return $result
}

run_all()
{
    local -a lines
    mapfile -t lines < <(case_lines)
    echo "1..${#lines[@]}"
    local number=0 failed=0 line name title
    for line in "${lines[@]}"; do
        number=$((number + 1))
        name=${line%%(*}
        title="$number - $name [${line#*# }]"
        local result=0
        run_apart "$name" || result=$?
        case $result in
        0) echo "ok $title" ;;
        "$SKIPPED") echo "ok $title # SKIP $why" ;;
        *) echo "not ok $title" && failed=1 ;;
        esac
    done
    return $failed
}

run_cases()
{
    if (($# > 0)); then
        run_one "$1"
    else
        run_all
    fi
    exit
}

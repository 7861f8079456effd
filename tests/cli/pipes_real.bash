# Real programs at both ends of pipes, with the same bytes in and out.  With FERRY_TEST_THOROUGH=1 the
# big stream is a gigabyte.
. "${0%/*}/lib.bash"

# A tree with what trees have: depth, modes, links, empty and large files, names with blanks.
make_tree()
{
    mkdir -p "$1/a/b c/d" "$1/empty"
    head -c 3000000 /dev/urandom >"$1/a/large"
    seq 1 100000 >"$1/a/b c/numbers"
    : >"$1/a/b c/d/nothing"
    ln -s ../large "$1/a/b c/link"
    ln "$1/a/large" "$1/a/same"
    chmod 0751 "$1/a"
    chmod 0440 "$1/a/b c/numbers"
    local i
    for ((i = 0; i < 200; i++)); do
        echo "file $i" >"$1/a/b c/d/$i"
    done
}

# What is in a tree, in words and sums.
describe_tree()
{
    (cd "$1" && find . -printf '%p %y %m %n %l\n' | sort && find . -type f -print0 | sort -z |
        xargs -0 sha256sum)
}

a_tree_goes_through() { # P1 P2 X4
    make_tree from
    mkdir to
    tar c -C from . | ferry write tree &
    ferry read tree | tar x -C to || fail "it did not arrive"
    wait $! || fail "the writer failed"
    diff <(describe_tree from) <(describe_tree to) || fail "the trees differ"
}

a_compressed_tree_goes_through() { # P1 P2
    make_tree from
    mkdir to
    tar c -C from . | gzip -1 | ferry write tree &
    ferry read tree | gunzip | tar x -C to || fail "it did not arrive"
    wait $! || fail "the writer failed"
    diff <(describe_tree from) <(describe_tree to) || fail "the trees differ"
}

# Some programs, two of which warn, and one that does not compile.
make_sources()
{
    local i
    for i in 1 2 3 4 5 6; do
        printf 'int f%s(int x)\n{\n    int unused;\n    return x + %s;\n}\n' $i $i >"f$i.c"
    done
    echo 'int wrong(void) { return nothing; }' >wrong.c
    printf '%s\n' 'CFLAGS = -Wall -fdiagnostics-color=never' 'all: f1.o f2.o f3.o f4.o f5.o f6.o wrong.o' \
        'clean:' '	rm -f *.o' >Makefile
}

compile()
{
    make -k all 2>&1
    echo "make ended with $?"
}

a_compile_job_reports_through_a_pipe() { # P2 P7
    command -v make >/dev/null && command -v cc >/dev/null || skip "there is no make, or no cc"
    unset MAKEFLAGS MAKELEVEL MFLAGS
    export LC_ALL=C
    make_sources
    compile >expected
    make clean >/dev/null
    ferry read report >arrived &
    compile | ferry write report || fail "the writer failed"
    wait $! || fail "the reader failed"
    grep -q 'unused' arrived && grep -q 'nothing' arrived || fail "nothing was said: $(cat arrived)"
    diff expected arrived || fail "another report arrived"
}

# So many bytes, the same each time, and never again the same at the same place of a page.
pattern()
{
    yes "$(seq 1 1000 | tr '\n' ' ')" | head -c "$1"
}

a_long_stream_takes_three_hops() { # P1 P2
    local size=256M
    [[ ${FERRY_TEST_THOROUGH:-0} == 0 ]] || size=1G
    pattern $size | sha256sum >sent
    pattern $size | ferry write one &
    ferry read one | ferry write two &
    ferry read two | ferry write three &
    ferry read three | sha256sum >arrived
    wait
    cmp sent arrived || fail "other bytes came out"
    local pipe
    for pipe in one two three; do
        json "d['depth_bytes'] == 0 and d['read_bytes'] == d['written_bytes'] >= 256 << 20" \
            ferry show $pipe --json
    done
}

# Lines of one letter each, of all lengths up to what is never mixed.
lines()
{
    python3 -c 'import sys
for i in range(4000):
    print(sys.argv[1] * (1 + i * 37 % 4095))' "$1"
}

# log_holds LETTER…: all lines of each of them, in their order, and nothing else.
log_holds()
{
    local letter
    [[ $(wc -l <log) == $(for letter; do lines "$letter"; done | wc -l) ]] || fail "$(wc -l <log) lines"
    for letter; do
        cmp <(grep "$letter" log) <(lines "$letter") || fail "lines of $letter are not as they were"
    done
}

two_writers_do_not_mix_their_lines() { # P9 P10 P15
    silent ferry new pipe log --records
    ferry read log >log &
    local reader=$!
    # Both are there before either ends, so that the stream is one.
    (eventually shows log "d['attached'] == 3" && lines a) | ferry write log &
    local first=$!
    (eventually shows log "d['attached'] == 3" && lines b) | ferry write log &
    wait $! || fail "the second ended with $?"
    wait "$first" || fail "the first ended with $?"
    wait "$reader" || fail "the reader ended with $?"
    log_holds a b
}

# A line at a time, from a process each.
say()
{
    local i
    for ((i = 0; i < 60; i++)); do
        ferry write log "$1 $i $(head -c $((i * 61)) /dev/zero | tr '\0' "$1")"$'\n' || echo "$1 failed"
    done
}

a_line_written_at_once_is_never_mixed() { # P9 P10
    local held
    exec {held}> >(exec "$FERRY" write log)
    ferry read log >log {held}>&- &
    local reader=$!
    say a {held}>&- &
    say b {held}>&-
    wait $!
    exec {held}>&-
    wait "$reader" || fail "the reader ended with $?"
    [[ $(wc -l <log) == 120 ]] || fail "$(wc -l <log) lines"
    grep -vE '^(a [0-9]+ a*|b [0-9]+ b*)$' log && fail "lines are mixed"
    [[ $(grep '^a' log | cut -d' ' -f2 | tr '\n' ' ') == "$(seq -s ' ' 0 59) " ]] || fail "order"
}

files_of_any_length_are_exact() { # P1
    local size
    for size in 0 1 4095 4096 4097 65535 65536 65537 131073 1000003; do
        head -c "$size" /dev/urandom >sent
        ferry write p <sent &
        ferry read p >arrived || fail "reading ended with $?"
        wait $! || fail "writing ended with $?"
        cmp sent arrived || fail "$size bytes came out otherwise"
        cat sent | ferry write p &
        ferry read p | cat >arrived || fail "reading ended with $?"
        wait $! || fail "writing ended with $?"
        cmp sent arrived || fail "$size bytes through other pipes came out otherwise"
    done
}

small_and_large_pipes_are_exact() { # P4
    local size sum
    sum=$(pattern 5000000 | sha256sum)
    for size in 4K 8K 64K 1M; do
        silent ferry new pipe "p$size" --size $size
        pattern 5000000 | ferry write "p$size" &
        [[ $(ferry read "p$size" | sha256sum) == "$sum" ]] || fail "$size: other bytes came out"
        wait $! || fail "$size: the writer failed"
    done
}

run_cases "$@"

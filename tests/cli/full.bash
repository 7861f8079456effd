# A root without room: errors that name the cure, nothing left behind, nothing harmed.
. "${0%/*}/lib.bash"

# Has a small file system as the root until the case ends.
small_root()
{
    mount -t tmpfs -o "$1" ferry-test "$FERRY_ROOT" 2>/dev/null ||
        skip "mounting a small root needs root's rights"
    trap 'umount "$FERRY_ROOT"' EXIT
}

a_full_root_is_a_clear_error() { # G10
    small_root size=64k
    fails 1 'full.*FERRY_ROOT' ferry new segment demo --size 1M
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "left behind: $(ls -A "$FERRY_ROOT")"
    fails 3 'no "demo"' ferry show demo
    silent ferry new segment demo --size 8
}

what_is_there_goes_on_working() { # G10 H2
    small_root size=128k
    local count=0
    while ferry new segment "s$count" --size 8K 2>/dev/null; do
        count=$((count + 1))
    done
    ((count > 0)) || fail "not a single segment fits"
    fails 1 full ferry new segment another --size 8K
    head -c 8192 /dev/urandom >in
    local i
    for ((i = 0; i < count; i++)); do
        ferry write "s$i" --lock <in || fail "writing into s$i failed"
        ferry read "s$i" --lock | cmp - in || fail "s$i holds other bytes"
    done
    works ferry ls
    silent ferry rm s0
    silent ferry new segment another --size 8K
}

waiting_works_in_a_full_root() { # G10 G15
    small_root size=64k
    silent ferry new segment demo --size 8
    head -c 100k /dev/zero >"$FERRY_ROOT/filler" 2>/dev/null
    ferry wait demo --timeout 50s &
    eventually shows demo "d['members'][0]['waiting']"
    silent ferry write demo x --lock
    wait -n || fail "the wait ended with $?"
    rm "$FERRY_ROOT/filler"
}

no_files_left_is_a_clear_error() { # G10
    small_root size=1m,nr_inodes=2
    fails 1 'full|files' ferry new segment demo --size 8
    [[ -z $(ls -A "$FERRY_ROOT") ]] || fail "left behind: $(ls -A "$FERRY_ROOT")"
}

a_read_only_root_is_a_clear_error() { # G10
    small_root size=1m
    silent ferry new segment demo --size 8
    mount -o remount,ro "$FERRY_ROOT"
    fails 1 'ead-only' ferry new segment other --size 8
    fails 1 'ead-only' ferry rm demo
    works ferry ls
    out | grep -q '^segment  *demo ' || fail "$(out)"
    mount -o remount,rw "$FERRY_ROOT"
}

no_descriptors_left_is_a_clear_error() { # G10
    silent ferry new segment demo --size 8
    local limit worked=
    for limit in 4 5 6 7 8 9 10 12 16; do
        try bash -c 'ulimit -n "$1" && exec "$FERRY" write demo x --lock' bash "$limit"
        if [[ $status == 0 ]]; then
            worked=$limit
        else
            [[ $status == 1 && $(err) == *'ulimit -n'* ]] || fail "$limit: $status: $(err)"
        fi
    done
    [[ -n $worked ]] || fail "16 descriptors are not enough"
}

run_cases "$@"

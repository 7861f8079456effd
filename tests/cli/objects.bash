# new, ls, show and rm.
. "${0%/*}/lib.bash"

a_new_segment_is_there_and_silent() { # U4 H2 H3
    silent ferry new segment demo --size 4097
    json "d['kind'] == 'segment' and d['name'] == d['label'] == 'demo' and d['size_bytes'] == 4097" \
        ferry show demo --json
    json "d['attached'] == 0 and d['attach_count'] == 1 == d['detach_count'] and d['dead'] == 0" \
        ferry show demo --json
    json "d['reserved_bytes'] >= 4097 and d['mode'] == '0600' and d['members'] == []" \
        ferry show demo --json
}

sizes_may_have_units() { # U3
    local size
    for size in 1=1 64K=65536 1M=1048576 3072=3072; do
        silent ferry new segment "s$size" --size "${size%=*}"
        json "d['size_bytes'] == ${size#*=}" ferry show "s$size" --json
        works ferry ls
    done
    out | grep -q ' 3K ' || fail "3072 is not listed as 3K"
    out | grep -q ' 64K ' || fail "65536 is not listed as 64K"
}

new_twice_is_fine_if_equal() { # U6
    silent ferry new segment demo --size 64K --mode 0640
    silent ferry new segment demo --size 65536
    silent ferry new segment demo --size 64K --mode 0640
    json "d['attach_count'] == 1" ferry show demo --json
}

new_twice_says_what_differs() { # U6
    silent ferry new segment demo --size 4097
    fails 1 'is there already, its size is 4097, not 4098; .*ferry rm demo' \
        ferry new segment demo --size 4098
    fails 1 'already, its mode is 0600, not 0640; ' ferry new segment demo --size 4097 --mode 0640
    fails 1 'size is 4097, not 4K, its mode is 0600, not 0400; ' \
        ferry new segment demo --size 4K --mode 0400
    json "d['size_bytes'] == 4097 and d['mode'] == '0600'" ferry show demo --json
}

new_exclusive_is_new() { # G2 U6
    silent ferry new segment demo --size 8 --exclusive
    fails 1 '"demo" exists' ferry new segment demo --size 8 --exclusive
    silent ferry new segment demo --size 8
}

a_mode_loses_the_umask() { # G2
    umask 027
    silent ferry new segment demo --size 8 --mode 0666
    json "d['mode'] == '0640'" ferry show demo --json
    silent ferry new segment demo --size 8 --mode 0666
    umask 0
    fails 1 'mode is 0640, not 0666' ferry new segment demo --size 8 --mode 0666
}

too_large_is_a_clear_error() { # G10
    local size
    for size in 8000T 9223372036854775807; do
        fails 1 'too large|available' ferry new segment demo --size $size
    done
    fails 3 'no "demo"' ferry show demo
}

nothing_there_is_3_and_says_how_to_make_it() { # U6 U5
    fails 3 'make it with: ferry new segment demo --size' ferry write demo text --lock
    fails 3 'make it with: ferry new segment demo --size' ferry read demo --lock
    fails 3 'make it with: ferry new semaphore demo' ferry wait demo
    fails 3 'make it with: ferry new segment demo --size' ferry wait demo --since 1
    fails 3 "make it with: ferry new segment 'it'.''s' --size" ferry read "it's" --at 0
    fails 3 'no "demo"' ferry show demo
    fails 3 'no "demo"' ferry show demo --raw
    fails 3 'no "demo"' ferry show demo --raw --json
    fails 3 'no "demo"' ferry rm demo
}

the_command_in_the_error_makes_it() { # U6
    fails 3 'make it with: ' ferry read "it's two words" --at 0
    local command
    command=$(err)
    eval "${command#*make it with: }"
    works ferry read "it's two words"
}

rm_of_nothing_is_fine_with_force() { # U6
    silent ferry rm -f demo
    silent ferry rm --force a b c
}

rm_goes_on_and_the_gravest_failure_wins() { # U5 U6
    silent ferry new segment a --size 8
    silent ferry new segment b --size 8
    try ferry rm a nothing b
    [[ $status == 3 ]] || fail "the status is $status"
    prints '' eval "ferry ls --names | grep -v ^held: || true"
    silent ferry new segment a --size 8
    try ferry rm nothing .bad a
    [[ $status == 2 && $(wc -l <"$CASE/err") == 2 ]] || fail "$status: $(err)"
    fails 3 'no "a"' ferry show a
}

ls_of_nothing_is_empty() { # U5
    prints '' eval "ferry ls --names | grep -v ^held: || true"
    json "[o for o in d if not o['anonymous']] == []" ferry ls --json
}

ls_shows_each_object_once_by_name() { # G13 U7
    local name
    for name in c a b; do
        silent ferry new segment $name --size 8
    done
    prints $'a\nb\nc' eval "ferry ls --names | grep -v ^held:"
    prints $'a\nb\nc' eval "ferry ls segment | awk 'NR > 1 && \$NF != \"anonymous\" { print \$2 }'"
    json "[o['name'] for o in d if not o['anonymous']] == ['a', 'b', 'c']" ferry ls --json segment
    fails 2 'goes with neither' ferry ls --names --json
    fails 2 'goes with neither' ferry ls --names --watch
}

ls_and_show_agree() { # G13
    silent ferry new segment demo --size 4097
    silent ferry write demo hello --lock
    local shown
    shown=$(ferry show demo --json)
    SHOWN=$shown json "(lambda s: s.pop('members') == [] and s in d)(
        json.loads(__import__('os').environ['SHOWN']))" ferry ls --json
}

show_tells_of_the_members() { # G13 H4
    silent ferry new segment demo --size 4097
    hold_lock demo
    json "[(m['pid'], m['alive'], m['holds_lock'], m['role'], m['command'])
        for m in d['members']] == [($holder, True, True, 'read-write', 'holder')]" \
        ferry show demo --json
    json "d['lock_owner_pid'] == $holder and not d['lock_owner_dead'] and d['attached'] == 1" \
        ferry show demo --json
    works ferry show demo
    out | grep -qE "^ +0 +$holder +holder +read-write +alive .*holds the lock" || fail "$(out)"
    out | grep -q 'lock  *held' || fail "$(out)"
    release_lock
    json "d['members'] == [] and d['attached'] == 0" ferry show demo --json
}

show_tells_who_waits() { # G13
    silent ferry new segment demo --size 8
    ferry wait demo &
    eventually shows demo "d['members'][0]['waiting'] and d['members'][0]['role'] == 'read'"
    works ferry show demo
    out | grep -q 'waits for a change' || fail "$(out)"
    silent ferry write demo x
    wait
}

the_dead_are_told_from_the_living() { # G8 G13
    silent ferry new segment demo --size 8
    hold_lock demo
    kill_holder
    json "d['attached'] == 0 and d['dead'] == 1 and d['lock_owner_dead'] and d['death_count'] == 1" \
        ferry show demo --json
    json "[(m['pid'], m['alive']) for m in d['members']] == [($holder, False)]" \
        ferry show demo --json
    works ferry ls
    out | grep -qE '^segment +demo .* 0 \(\+1 dead\) .*lock left by the dead$' || fail "$(out)"
}

raw_draws_every_field_in_order() { # G13
    silent ferry new segment demo --size 4097
    json "[f['offset'] for f in d] == sorted(f['offset'] for f in d) and len(d) > 20" \
        ferry show demo --raw --json
    json "[f['value'] for f in d if f['group'] == 'identity' and f['name'] == 'size'] == [4097]" \
        ferry show demo --raw --json
    works ferry show demo --raw
    out | grep -qE '^\| +[0-9a-f]+ \| +8 \| size +\| +0x1001 \| ' || fail "$(out)"
    out | grep -qE '^\+-[-+]*\+- identity$' || fail "$(out)"
}

raw_shows_members_by_slot() { # G13
    silent ferry new segment demo --size 8
    hold_lock demo
    json "any(f['group'] == 'member 0' for f in d)" ferry show demo --raw --json
    release_lock
}

what_is_removed_but_held_is_found() { # U7 G6
    silent ferry new segment demo --size 8
    hold_lock demo
    silent ferry rm demo
    fails 3 'no "demo"' ferry show demo
    works ferry ls
    out | grep -qE "^segment +demo .* 1 .*removed, still held:$holder:[0-9]+$" || fail "$(out)"
    local held
    held=$(ferry ls --names | grep "^held:$holder:")
    json "d['removed'] and d['label'] == 'demo' and d['attached'] == 1" ferry show "$held" --json
    works ferry show "$held" --raw
    silent ferry new segment demo --size 9
    json "not d['removed'] and d['size_bytes'] == 9" ferry show demo --json
    release_lock
    fails 3 . ferry show "$held"
}

what_is_not_ferry_s_is_damaged_and_removable() { # G9 G13
    echo nonsense >"$FERRY_ROOT/ferry.demo"
    works ferry ls
    out | grep -qE '^unknown +demo .*damaged: ' || fail "$(out)"
    json "d['damaged'] and d['damage'] and list(d)[-1] == 'damage'" ferry show demo --json
    works ferry show demo
    fails 1 damaged ferry new segment demo --size 8
    fails 1 . ferry write demo text
    fails 1 . ferry read demo
    fails 1 . ferry show demo --raw
    silent ferry rm demo
    fails 3 'no "demo"' ferry show demo
}

strangers_names_cannot_move_the_cursor() { # G4 G13
    touch "$FERRY_ROOT/ferry."$'\e[2J' "$FERRY_ROOT/ferry."$'a\nb' "$FERRY_ROOT/ferry."$'\xff'
    works ferry ls
    out | grep -q $'\e' && fail "an escape sequence came through"
    json "isinstance(d, list)" ferry ls --json
    rm "$FERRY_ROOT"/*
}

another_user_s_object_is_not_touched() { # G4
    [[ $(id -u) == 0 ]] || skip "only root can be two users"
    command -v setpriv >/dev/null || skip "there is no setpriv"
    chmod 0755 "$CASE" "$FERRY_ROOT"
    silent ferry new segment demo --size 8
    local other=(setpriv --reuid 65534 --regid 65534 --clear-groups "$FERRY")
    "${other[@]}" --version >/dev/null 2>&1 || skip "another user cannot run $FERRY"
    fails 1 . "${other[@]}" read demo
    fails 1 . "${other[@]}" write demo text
    fails 1 . "${other[@]}" rm demo
    works ferry read demo
}

a_missing_root_is_said() { # G10
    export FERRY_ROOT=$CASE/missing
    try ferry ls
    [[ $status != 0 && $(err) == *"$FERRY_ROOT"*FERRY_ROOT* ]] || fail "$status: $(err)"
    try ferry new segment demo --size 8
    [[ $status != 0 && $(err) == *"$FERRY_ROOT"*FERRY_ROOT* ]] || fail "$status: $(err)"
    export FERRY_ROOT=$CASE/root
}

run_cases "$@"

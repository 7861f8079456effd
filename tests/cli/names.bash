# What may be meant by a NAME, and what may not.
. "${0%/*}/lib.bash"

repeat()
{
    printf "%.0s$2" $(seq "$1")
}

good_names_work() { # U1
    local name
    for name in a eu.orders 'two words' "it's" '*' '$(echo no)' 'ümläut' '日本' "$(repeat 200 x)" \
        "$(repeat 100 é)" 'a-b' 'back\slash' '"' '%s%n' '~'; do
        silent ferry new segment "$name" --size 8
        silent ferry write "$name" hello
        prints hello ferry read "$name" --count 5
        works ferry show "$name"
        json "d['name'] == '''$name'''" ferry show "$name" --json 2>/dev/null ||
            fail "\"$name\" is not shown under its name"
        works ferry ls
        out | grep -qF -- "$name" || fail "\"$name\" is not listed"
        silent ferry rm "$name"
    done
}

bad_names_are_wrong_usage() { # U1
    local name
    for name in '' .a -a . a/b / a:b : $'a\nb' $'a\eb' $'\x7f' $'a\xff' $'\xc3' $'\xc0\x80' \
        $'\xed\xa0\x80' $'\xc2\x85' "$(repeat 201 x)" "$(repeat 101 é)" "$(repeat 100000 x)" \
        key:0x0104ABCD key:0x1 key: key:0x0104abcde; do
        fails 2 . ferry new segment --size 8 -- "$name"
        fails 2 . ferry show -- "$name"
        fails 2 . ferry write -- "$name" text
        fails 2 . ferry read -- "$name"
        fails 2 . ferry wait -- "$name"
        fails 2 . ferry rm -- "$name"
        fails 2 . ferry rm -f -- "$name"
    done
}

the_explanation_names_the_fault() { # U4
    fails 2 'empty' ferry rm ''
    fails 2 'dot' ferry rm .a
    fails 2 'dash' ferry rm -- -a
    fails 2 'slash' ferry rm a/b
    fails 2 'colon' ferry rm a:b
    fails 2 'control' ferry rm $'a\nb'
    fails 2 'UTF-8' ferry rm $'a\xff'
    fails 2 '200 bytes' ferry rm "$(repeat 201 x)"
}

keys_are_names() { # T3 H1
    silent ferry new segment key:0x0104abcd --size 8
    silent ferry write key:0x0104abcd hello
    prints hello ferry read key:0x0104abcd --count 5
    works ferry ls
    out | grep -q 'segment *key:0x0104abcd ' || fail "the key is not listed"
    silent ferry rm key:0x0104abcd
    fails 3 'no "key:0x0104abcd"' ferry rm key:0x0104abcd
}

a_path_and_a_project_make_one_key() { # X7 H1
    touch file 'with:colon'
    ln -s file link
    silent ferry new segment key:file:7 --size 4097
    silent ferry write "key:$PWD/../desk/file:7" hello
    prints hello ferry read key:./link:7 --count 5
    local key
    key=$(ferry ls --names | grep '^key:0x')
    prints hello ferry read "$key" --count 5
    fails 3 'no segment' ferry read key:file:8 --at 0
    silent ferry new segment key:with:colon:255 --size 1
    silent ferry rm key:file:7 "key:with:colon:255"
    fails 3 'no ' ferry show "$key"
}

another_file_under_the_same_path_makes_another_key() { # X7
    touch file keep
    silent ferry new segment key:file:7 --size 8
    mv keep file
    fails 3 'no segment' ferry read key:file:7 --at 0
}

a_key_of_no_file_says_so() { # H1
    fails 1 'missing.*No such file' ferry new segment key:missing:7 --size 8
    touch file
    local project
    for project in 0 256 -1 x '' 7x 1K 99999999999999999999; do
        fails 2 'not a project; .* from 1 to 255' ferry rm "key:file:$project"
    done
}

what_has_no_name_is_for_looking_only() { # U7 G13
    fails 2 'held:PID:FD' ferry show held:1
    fails 2 'held:PID:FD' ferry show held:x:y
    fails 2 . ferry show "held:$(repeat 300 1)"
    fails 3 . ferry show held:999999999:3
    fails 2 . ferry write held:1:1 text
    fails 2 . ferry rm held:1:1
}

run_cases "$@"

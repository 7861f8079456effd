# Verbs, options, help and manual pages.
. "${0%/*}/lib.bash"

verbs()
{
    ferry help | sed -n '/^Verbs$/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

options_of()
{
    ferry help "$1" | sed -n '/^Options$/,/^$/p' | grep -oE -e '^ +(-[a-z], )?--[a-z-]+' |
        grep -oE -e '--[a-z-]+'
}

no_verb_is_wrong_usage() { # U5
    fails 2 'which verb' ferry
}

an_unknown_verb_names_the_closest_and_all() { # U8
    fails 2 'did you mean "show"\? The verbs are: new ls ' ferry shwo
    fails 2 'did you mean "write"' ferry wri
    fails 2 'there is no verb "zzzzzz"; the verbs are: new ls ' ferry zzzzzz
    fails 2 'no verb ""' ferry ''
    fails 2 'no verb' ferry "$(printf 'x%.0s' {1..5000})"
}

an_option_before_the_verb_is_wrong_usage() { # U5
    fails 2 'no option "--jsn" before the verb' ferry --jsn ls
}

an_unknown_option_names_the_closest() { # U4
    fails 2 'ls has no option "--jsom"; did you mean --json\?' ferry ls --jsom
    fails 2 'ls has no option "--zzzzzzzzz"; see .ferry help ls.' ferry ls --zzzzzzzzz
    fails 2 'read has no option "--tiemout=2s"; did you mean --timeout' ferry read x --tiemout=2s
    fails 2 'rm has no option "-r"' ferry rm -r x
    fails 2 'rm has no option "-rf"' ferry rm -rf x
    fails 2 'put -- before an operand' ferry write x -5
}

options_stand_anywhere_and_take_both_forms() { # U8
    silent ferry new --size 8 segment a
    silent ferry new segment b --size=8
    silent ferry new segment --exclusive c --size 8
    silent ferry write --at 3 a --lock hi --timeout=1s
    prints hi ferry read --count=2 --timeout 1s a --lock --at=3
}

two_dashes_end_the_options() { # U1
    silent ferry new segment a --size 8
    silent ferry write a -- --at
    prints --at ferry read --count 4 -- a
    fails 2 'does not begin with a dash' ferry rm -- -a
}

a_missing_or_surplus_value_is_said() { # U4
    fails 2 '--size needs a size behind it, as in 4097' ferry new segment a --size
    fails 2 '--timeout needs a duration behind it, as in 100ms' ferry wait a --timeout --since 1
    fails 2 '--since needs a number behind it' ferry wait a --since
    fails 2 '--mode needs a mode behind it' ferry new segment a --mode
    fails 2 '--lock takes no value' ferry read a --lock=yes
}

bad_values_say_what_is_good() { # U3
    local size
    for size in '' -1 1x K 1.5K 0x10 99999999999999999999 '1 K' +1; do
        fails 2 'size' ferry new segment a "--size=$size"
    done
    fails 2 'needs a size' ferry new segment a --size 0
    local time
    for time in '' 5 s 1x -1s 1ss '1 s' 99999999999999h; do
        fails 2 'timeout' ferry wait a "--timeout=$time"
    done
    local mode
    for mode in '' 0 8 0800 1777 rw -1 99999999999999999999999; do
        fails 2 'not a mode; write it in octal' ferry new segment a --size 1 "--mode=$mode"
    done
    fails 2 'not a number' ferry wait a --since=1K
    fails 2 'less than 4294967296' ferry wait a --since=4294967296
}

operands_are_counted() { # U4
    fails 2 'new needs KIND NAME; see .ferry help new.' ferry new segment
    fails 2 'new takes KIND NAME; "b" is too much' ferry new segment a b
    fails 2 'rm needs NAME' ferry rm
    fails 2 'show needs NAME' ferry show
    fails 2 'read needs NAME' ferry read
    fails 2 'wait needs NAME' ferry wait
    fails 2 'write takes NAME .TEXT.; "c" is too much, put quotes' ferry write a b c
    fails 2 'demo takes no operand: "x" is one too many' ferry demo x
    fails 2 'help takes .VERB.' ferry help ls show
}

an_unknown_kind_names_the_closest_and_all() { # U2
    fails 2 'no kind "segmnet"; did you mean "segment"\? The kinds are: segment' \
        ferry new segmnet a --size 1
    fails 2 'no kind "zzzzzzzzzz"; the kinds are: segment' ferry ls zzzzzzzzzz
}

the_version_is_the_library_s() { # U8
    prints "ferry $(sed -n 's/.*_\(MAJOR\|MINOR\|PATCH\) //p' "$SOURCE/include/ferry/base.h" |
        grep -E '^[0-9]+$' | paste -sd.)" ferry --version
}

help_has_three_spellings() { # U8
    local verb
    for verb in $(verbs); do
        works ferry help "$verb"
        local text
        text=$(out)
        prints "$text" ferry "$verb" --help
        prints "$text" ferry "$verb" some operands -h
    done
    works ferry help
    text=$(out)
    prints "$text" ferry --help
    prints "$text" ferry -h
    fails 2 'no verb "shwo"' ferry help shwo
}

behind_two_dashes_help_is_text() { # U1
    silent ferry new segment a --size 8
    silent ferry write a -- --help
    prints --help ferry read a --count 6
}

help_is_complete_and_fits_80_columns() { # U8
    local verb
    for verb in '' $(verbs); do
        works ferry help $verb
        (($(out | wc -L) <= 80)) || fail "the help of \"$verb\" is wider than 80 columns"
        out | grep -q '^Exit status: 0' || fail "the help of \"$verb\" lacks the exit status"
    done
    for verb in $(verbs); do
        works ferry help "$verb"
        out | head -1 | grep -q "^usage: ferry $verb" || fail "the help of $verb lacks the usage"
        out | grep -q '^Examples$' || fail "the help of $verb lacks examples"
    done
}

every_option_in_the_help_is_taken() { # U8
    local verb option
    for verb in $(verbs); do
        for option in $(options_of "$verb"); do
            try ferry "$verb" "$option=%" operand another third
            err | grep -q 'has no option' && fail "$verb does not take $option"
        done
    done
    return 0
}

every_verb_and_option_has_its_page() { # U8
    local verb option page
    for verb in $(verbs); do
        page=$SOURCE/docs/man1/ferry-$verb.1
        [[ -f $page ]] || fail "there is no $page"
        grep -q "Xr ferry-$verb 1" "$SOURCE/docs/man1/ferry.1" || fail "ferry.1 lacks $verb"
        grep -q "'ferry-$verb.1'" "$SOURCE/docs/man1/meson.build" || fail "$page is not installed"
        for option in $(options_of "$verb"); do
            grep -q "Fl.* .-${option#--}\b" "$page" || fail "$page lacks $option"
        done
    done
    for page in "$SOURCE"/docs/man1/ferry-*.1; do
        verb=${page##*/ferry-}
        verbs | grep -qx "${verb%.1}" || fail "$page is about no verb"
    done
}

pages_mention_every_json_key() { # U4
    silent ferry new segment a --size 8
    silent ferry new pipe b
    silent ferry new queue c
    works ferry ls --json
    local key
    for key in $(out | grep -oE '^ +"[a-z_]+"' | tr -d ' "'); do
        grep -qE "^\.(It )?Li .*\b$key\b" "$SOURCE/docs/man1/ferry-ls.1" ||
            fail "ferry-ls.1 lacks $key"
    done
}

pages_are_well_formed() { # U8
    command -v mandoc >/dev/null || skip "there is no mandoc"
    local page
    for page in "$SOURCE"/docs/man1/*.1; do
        mandoc -T lint -W warning "$page" >&2 || fail "$page is not well-formed"
    done
}

run_cases "$@"

# Completion in bash.
. "${0%/*}/lib.bash"
. "$SOURCE/completions/ferry.bash"

# completes LINE EXPECTED…: what the user would be offered behind LINE, in any order.  Bash cuts the
# line into words at blanks and colons.
completes()
{
    local line=$1 expected
    shift
    expected=$(printf '%s\n' "$@" | sort)
    COMP_LINE=$line
    COMP_POINT=${#line}
    mapfile -t COMP_WORDS < <(sed 's/\\ /\x01/g; s/:/ : /g' <<<"$line" | tr -s ' ' '\n' |
        sed 's/\x01/\\ /g')
    [[ $line == *[:\ ] && ${COMP_WORDS[-1]} != '' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
    _ferry
    [[ $(printf '%s\n' "${COMPREPLY[@]}" | sort) == "$expected" ]] ||
        fail "\"$line\" offers: ${COMPREPLY[*]}"
}

verbs_are_offered() { # U8
    completes 'ferry s' show send
    completes 'ferry wr' write
    completes 'ferry --v' --version
    completes 'ferry help sh' show
    completes 'ferry ' --help --version \
        $(ferry help | sed -n '/^Verbs$/,/^$/s/^  \([a-z]*\) .*/\1/p')
}

kinds_are_offered() { # U2
    completes 'ferry new s' segment semaphore
    completes 'ferry ls ' segment pipe queue semaphore mutex rwlock condition barrier
    completes 'ferry new segment ' ''
}

options_are_those_of_the_verb() { # U8
    completes 'ferry ls --' --json --names --watch --help
    completes 'ferry write demo --' --at --lock --progress --repair --size --timeout --help
    completes 'ferry new --ex' --exclusive
    completes 'ferry bench --fa' --fail-on-slower
}

names_are_offered() { # U8
    silent ferry new segment demo --size 8
    silent ferry new segment delta --size 8
    completes 'ferry show de' demo delta
    completes 'ferry rm demo del' delta
    completes 'ferry write x' ''
}

experiments_are_offered() { # U8
    completes 'ferry bench ta' take-over
    completes 'ferry bench lock' lock-pair lock-contest
}

names_are_quoted_for_the_shell() { # U1
    silent ferry new segment 'two words' --size 8
    silent ferry new segment '$(echo no)' --size 8
    completes 'ferry read t' 'two\ words'
    completes 'ferry read two\ w' 'two\ words'
    completes 'ferry read \$' '\$\(echo\ no\)'
}

keys_are_cut_at_the_colon() { # T3
    silent ferry new segment key:0x0104abcd --size 8
    completes 'ferry show ke' 'key:0x0104abcd'
    completes 'ferry show key:' 0x0104abcd
    completes 'ferry show key:0x01' 0x0104abcd
}

values_are_left_to_the_user() { # U8
    silent ferry new segment demo --size 8
    completes 'ferry wait demo --timeout ' ''
    completes 'ferry read demo --at ' ''
    completes 'ferry bench --html ' ''
    completes 'ferry send demo --type ' ''
    completes 'ferry new queue q --overflow dr' drop-oldest drop-newest
}

run_cases "$@"

# Standard output and standard error: failures, colour, closed descriptors.
. "${0%/*}/lib.bash"

# Runs a command with a terminal as its standard output, and prints what arrived there.
on_terminal()
{
    python3 -c 'import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while seen := os.read(terminal, 4096):
        os.write(1, seen)
except OSError:  # the terminal hung up: the command has ended
    pass
os.waitpid(pid, 0)' "$@"
}

# has_colour COMMAND…: does it use colour on a terminal?
has_colour()
{
    [[ $(on_terminal "$@") == *$'\e[1m'* ]]
}

colour_is_for_terminals_alone() { # U4
    silent ferry new segment demo --size 8
    works ferry ls
    [[ $(out) != *$'\e'* ]] || fail "colour in a pipe"
    export TERM=xterm
    has_colour "$FERRY" ls || fail "no colour on a terminal"
    has_colour env NO_COLOR=1 "$FERRY" ls && fail "colour in spite of NO_COLOR"
    has_colour env NO_COLOR= "$FERRY" ls || fail "an empty NO_COLOR counts"
    has_colour env TERM=dumb "$FERRY" ls && fail "colour on a dumb terminal"
    return 0
}

a_full_output_is_an_error() { # U5 U4
    silent ferry new segment demo --size 1M
    local command
    for command in 'ls' 'ls --json' 'ls --names' 'show demo' 'show demo --json' 'show demo --raw' \
        'show demo --raw --json' 'read demo' 'read demo --lock' 'help' 'help ls' '--version' 'demo' \
        'ls --watch'; do
        fails 1 'standard output could not be written: No space left' \
            eval "timeout 20 \"\$FERRY\" $command >/dev/full"
    done
}

a_closed_output_is_an_error_and_harms_no_object() { # U5 G8
    silent ferry new segment demo --size 8
    silent ferry write demo same
    fails 1 'standard output could not be written' eval 'ferry ls >&-'
    fails 1 'standard output could not be written' eval 'ferry read demo >&-'
    fails 1 'standard output could not be written' eval 'ferry read demo <&- >&-'
    ferry show demo >&- 2>&- <&- && fail "succeeded with every descriptor closed"
    prints same ferry read demo --count 4
    json "not d['damaged']" ferry show demo --json
}

a_closed_output_does_not_matter_to_the_silent() { # U4
    silent eval 'ferry new segment demo --size 8 >&-'
    silent eval 'ferry write demo x >&- <&-'
    silent eval 'ferry rm demo >&- <&-'
}

a_reader_that_leaves_ends_it_quietly() { # U4
    silent ferry new segment demo --size 1M
    ferry read demo 2>errors | head -c 1 >first
    local -a statuses=("${PIPESTATUS[@]}")
    [[ ${statuses[0]} == 141 && ! -s errors ]] || fail "${statuses[0]}: $(cat errors)"
}

complaints_are_one_printable_line() { # U4
    fails 2 'a\\x0ab' ferry show --$'a\nb' x
    fails 2 '\\x1b' ferry $'\e[2J'
    fails 2 '\\xff' ferry ls $'\xff'
    fails 2 'x' ferry show --$'\xff\t\x01' x
}

json_is_utf_8_whatever_it_tells() { # U4
    silent ferry new segment '"quoted" and \back' --size 8
    json "any(o['name'] == '\"quoted\" and \\\\back' for o in d)" ferry ls --json
}

run_cases "$@"

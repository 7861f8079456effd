#!/bin/bash
# The command server once more, of `ferry read` and `ferry write` alone: runs, for whoever may write
# to its pipe, the programs it was told to allow.
#
#     command_server.bash NAME PROGRAM…
#
# A request is a line: the pipe that the answer goes to, the program, and its arguments, divided by
# blanks.  Lines are never mixed, however many write.  A client:
#
#     ferry write NAME "NAME.$$ seq 3"$'\n' && ferry read "NAME.$$"; ferry rm -f "NAME.$$"
#
# The answer is the program's output, and its exit status in a last line.
set -f # arguments are words, and not patterns for names of files

name=$1
shift
allowed=" $* "

# A writer that stays, so that the stream does not end when a client goes.
exec {held}> >(exec ferry write "$name")

serve()
{
    if [[ $allowed == *" $1 "* ]]; then
        "$@" 2>&1 </dev/null
    else
        echo "$1 is not allowed"
        false
    fi
    echo "exit status $?"
}

ferry read "$name" {held}>&- | {
    while read -r answer program arguments; do
        [[ $answer == "$name".* && $program ]] || continue
        serve $program $arguments | ferry write "$answer" --timeout 5s 2>/dev/null &
    done
    wait
} {held}>&-
exec {held}>&-
wait

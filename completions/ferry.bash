# Bash completion for ferry(1).  Verbs, kinds and options are asked of the command's own help, names
# of `ferry ls`: nothing here needs to change when a verb is added.

# The words of one section of a help text: _ferry_words HEADING [VERB]
_ferry_words()
{
    ferry help ${2:+"$2"} 2>/dev/null | sed -n "/^$1\$/,/^\$/s/^  \([a-z]*\) .*/\1/p"
}

_ferry_options()
{
    ferry help "$1" 2>/dev/null | grep -oE -e '--[a-z-]+' | sort -u
    printf '%s\n' --help
}

# Offers those lines of standard input that begin with $1.  Names may hold blanks and colons: each
# is quoted for the shell, and what stands before its last colon is left out where bash takes the
# colon for the end of a word.
_ferry_offer()
{
    local typed=$1 cut='' line
    [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]] && cut=${typed%"${typed##*:}"}
    while IFS= read -r line; do
        [[ $line == "$typed"* ]] && COMPREPLY+=("$(printf %q "${line#"$cut"}")")
    done
}

_ferry()
{
    COMPREPLY=()
    local verb=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]}
    # What has been typed of this word, colons included, backslashes not.
    local typed
    [[ ${COMP_LINE:0:COMP_POINT} =~ (([^[:space:]\\]|\\.)*)$ ]]
    typed=${BASH_REMATCH[1]//\\/}

    if ((COMP_CWORD == 1)); then
        _ferry_offer "$typed" < <(_ferry_words Verbs; printf '%s\n' --help --version)
    elif [[ $typed == -* ]]; then
        _ferry_offer "$typed" < <(_ferry_options "$verb")
    elif [[ $before == --@(compare|from|html) ]]; then
        compopt -o default 2>/dev/null # a file
    elif [[ $verb == lock && " ${COMP_WORDS[*]:0:COMP_CWORD} " == *' -- '* ]]; then
        _ferry_offer "$typed" < <(compgen -c -- "$typed" | sort -u) # the command
    elif [[ $before == --mutex ]]; then
        _ferry_offer "$typed" < <(ferry ls mutex --names 2>/dev/null)
    elif [[ $before == --overflow ]]; then
        _ferry_offer "$typed" < <(printf '%s\n' block refuse drop-oldest drop-newest)
    elif [[ $before == --@(at|bytes|count|cpus|except|max|max-type|messages|mode|most|priority|rounds) ||
        $before == --@(side|since|size|timeout|type|value) ]]; then
        return # a value that only the user knows
    else
        case $verb in
        help) _ferry_offer "$typed" < <(_ferry_words Verbs) ;;
        ls) _ferry_offer "$typed" < <(_ferry_words Kinds new) ;;
        new) ((COMP_CWORD == 2)) && _ferry_offer "$typed" < <(_ferry_words Kinds new) ;;
        bench) _ferry_offer "$typed" < <(ferry bench --list 2>/dev/null | sed -n 's/^\([a-z][^ ]*\): .*/\1/p') ;;
        demo | doctor) ;;
        *) _ferry_offer "$typed" < <(ferry ls --names 2>/dev/null) ;;
        esac
    fi
}

complete -F _ferry ferry

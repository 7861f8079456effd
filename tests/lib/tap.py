"""TAP for the test scripts in Python: a case is a function, a failure is an exception."""

import sys
import traceback


class Skip(Exception):
    """The case cannot be judged here; the message says why."""


def run(*cases):
    """Runs the cases, prints TAP, and exits as the tests went."""
    print("TAP version 13")
    print(f"1..{len(cases)}")
    failed = False
    for number, case in enumerate(cases, 1):
        failed |= not run_case(number, case)
    sys.exit(1 if failed else 0)


def run_case(number, case):
    name = case.__name__
    try:
        case()
    except Skip as skip:
        print(f"ok {number} - {name} # SKIP {skip}")
    except Exception as failure:
        print(f"not ok {number} - {name}")
        text = str(failure) if isinstance(failure, AssertionError) else traceback.format_exc()
        print("".join(f"# {line}\n" for line in text.splitlines()), end="")
        return False
    else:
        print(f"ok {number} - {name}")
    finally:
        sys.stdout.flush()
    return True


def expect_none(faults):
    """Fails the case with one line for each fault."""
    faults = list(faults)
    if faults:
        raise AssertionError("\n".join(faults))

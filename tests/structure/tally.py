#!/usr/bin/env python3
"""The tally counts what the test programs said, and believes none that said too little.

usage: tally.py SOURCE_ROOT
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import tap

ROOT = pathlib.Path(sys.argv[1])


def tally(*programs, options=(), name="testlog.json"):
    """The exit status and the output for a log of these (result, standard output)."""
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory, "build", "meson-logs", name)
        log.parent.mkdir(parents=True)
        log.write_text("".join(json.dumps({"name": "ferry:unit / x", "result": result, "stdout": output})
                               + "\n" for result, output in programs), encoding="utf-8")
        done = subprocess.run([sys.executable, ROOT / "tests/tally", log, *options], text=True,
                              stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


def expect(last_line, *programs, options=()):
    status, output = tally(*programs, options=options)
    assert output.splitlines()[-1] == last_line, output
    assert status == (0 if " 0 failed" in last_line else 1), f"exit status {status}"


def cases_are_counted():
    expect("3 passed, 0 failed, 1 skipped",
           ("OK", "TAP version 13\n1..2\nok 1 - a\nok 2 - b # SKIP no elephant\n"),
           ("OK", "1..2\nok 1 - c\n# ok 9 - a remark\nok 2 d\n"))


def failing_cases_are_counted_and_named():
    status, output = tally(("ERROR", "1..2\nok 1 - a\nnot ok 2 - b\n"))
    assert status == 1 and "failed: build: x: b\n1 passed, 1 failed, 0 skipped\n" in output, output


def failures_below_a_setup_name_it():
    _, output = tally(("ERROR", "1..1\nnot ok 1 - b\n"), name="testlog-linux_5_10.json")
    assert "failed: build (linux_5_10): x: b\n" in output, output


def crash_without_output_is_a_failure():
    expect("0 passed, 1 failed, 0 skipped", ("ERROR", ""))


def crash_halfway_is_a_failure():
    expect("1 passed, 1 failed, 0 skipped", ("ERROR", "1..2\nok 1 - a\n"))


def missing_cases_are_a_failure_whatever_the_result():
    expect("1 passed, 1 failed, 0 skipped", ("OK", "1..2\nok 1 - a\n"))


def timeout_is_a_failure():
    expect("2 passed, 1 failed, 0 skipped", ("TIMEOUT", "1..2\nok 1 - a\nok 2 - b\n"))


def skipped_program_is_one_skip():
    expect("0 passed, 0 failed, 1 skipped", ("SKIP", "1..0 # SKIP no elephants at all\n"))


def log_without_tests_is_a_failure():
    expect("0 passed, 1 failed, 0 skipped")


def broken_and_skipped_builds_count():
    expect("1 passed, 1 failed, 1 skipped", ("OK", "1..1\nok 1 - a\n"),
           options=["--broken=build-clang", "--skipped=no kernel for it"])


tap.run(cases_are_counted, failing_cases_are_counted_and_named, failures_below_a_setup_name_it,
        crash_without_output_is_a_failure, crash_halfway_is_a_failure,
        missing_cases_are_a_failure_whatever_the_result, timeout_is_a_failure,
        skipped_program_is_one_skip, log_without_tests_is_a_failure,
        broken_and_skipped_builds_count)

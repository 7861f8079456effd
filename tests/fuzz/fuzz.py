#!/usr/bin/env python3
"""Runs a fuzz target: on every input of the corpus, and, built with libFuzzer, on what that makes of
them for some seconds.

usage: fuzz.py TARGET CORPUS [--fuzz | --catches]
--catches: the target has a planted fault, and must find it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import tap

TARGET, CORPUS, *MODE = sys.argv[1:]
THOROUGH = os.environ.get("FERRY_TEST_THOROUGH") == "1"
SECONDS = int(os.environ.get("FERRY_FUZZ_SECONDS", 120 if THOROUGH else 5))
SECONDS_TO_CATCH = 60
LIMITS = ["-timeout=4", "-rss_limit_mb=2048", "-max_len=1024", "-verbosity=0", "-print_final_stats=1"]


def run(*arguments):
    with tempfile.TemporaryDirectory(prefix="ferry-fuzz.", dir="/dev/shm") as root:
        done = subprocess.run([TARGET, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "FERRY_FUZZ_ROOT": root})
    return done.returncode, done.stdout.decode(errors="replace")


def every_input_of_the_corpus_is_survived():
    inputs = sorted(path for path in pathlib.Path(CORPUS).iterdir() if path.is_file())
    assert inputs, f"no inputs in {CORPUS}"
    status, output = run(*inputs)
    assert status == 0, f"status {status}:\n{output[-6000:]}"


def fuzz(seconds):
    with tempfile.TemporaryDirectory() as directory:
        status, output = run(*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={directory}/",
                             directory, CORPUS)
        for path in pathlib.Path(directory).glob("*-*"):
            if status != 0:
                output += f"\n{path.name}: {path.read_bytes().hex()}"
    return status, output


def what_a_fuzzer_makes_of_it_is_survived():
    status, output = fuzz(SECONDS)
    print(*(f"# {line}" for line in output.splitlines() if "number_of_executed_units" in line))
    assert status == 0, f"status {status}:\n{output[-8000:]}"


def a_planted_fault_is_found():
    status, output = fuzz(SECONDS_TO_CATCH)
    assert status != 0, "nothing was found"
    assert "planted/unchecked.c" in output, f"something else was found:\n{output[-6000:]}"


if "--catches" in MODE:
    tap.run(a_planted_fault_is_found)
elif "--fuzz" in MODE:
    tap.run(every_input_of_the_corpus_is_survived, what_a_fuzzer_makes_of_it_is_survived)
else:
    tap.run(every_input_of_the_corpus_is_survived)

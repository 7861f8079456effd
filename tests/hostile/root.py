#!/usr/bin/env python3
"""The command in a root full of an attacker's files (contract G9, T2, U4): it ends in time, says what
is wrong in one clean line, writes valid JSON, follows no link, and removes nothing that is not Ferry's.

usage: root.py FERRY
"""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import tap
from zoo import CONTROL_BYTES, Root, control, scribbled

FERRY = sys.argv[1]
LIMIT_S = 60              # for a command with a whole zoo before it, under sanitizers, on a busy machine
HANG_S = 2
SECRET = b"nobody may read this, and nobody may change it\n"
UNCLEAN = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]")


def ferry(root, *arguments, binary=False, standard_input=b""):
    """Runs the command; judges what holds for all of its verbs, and returns status and output."""
    words = [FERRY, *map(os.fsencode, arguments)]
    done = subprocess.run(words, input=standard_input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=LIMIT_S, check=False,
                          env={**os.environ, "FERRY_ROOT": str(root.path), "LC_ALL": "C.UTF-8"})
    what = f"{words}: status {done.returncode}: {done.stderr[:1000]!r}"
    assert done.returncode in (0, 1, 2, 3), what
    error = done.stderr.decode("utf-8")
    assert not UNCLEAN.search(error), what
    if done.returncode == 0:
        assert not error, what
    else:
        assert error.count("\n") == 1 and error.startswith("ferry: "), what
    if not binary:
        assert not UNCLEAN.search(done.stdout.decode("utf-8")), f"{what}: {done.stdout[:1000]!r}"
    return done.returncode, done.stdout


class Zoo:
    """A root, beside it a secret, and a promise that the secret is as it was."""

    def __enter__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ferry-zoo.", dir="/dev/shm"))
        (self.home / "root").mkdir()
        (self.home / "secret").write_bytes(SECRET)
        self.root = Root(self.home / "root")
        return self.root

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                assert (self.home / "secret").read_bytes() == SECRET, "the secret was changed"
        finally:
            shutil.rmtree(self.home)


def command_line_names(root):
    """Names that can be typed; the shell's and Python's own limits are not the subject."""
    return [name for name in root.names if "\0" not in name]


def listed(root, *arguments):
    """What is in the root; other tests hold objects without a name meanwhile."""
    status, output = ferry(root, "ls", "--json", *arguments)
    assert status == 0
    return [thing for thing in json.loads(output) if not thing["name"].startswith("held:")]


def listing_lives_with_everything():
    with Zoo() as root:
        root.everything()
        for kind in (0, 2, 65, 4097, 2**31 + 1):
            root.file(f"kind-{kind}", control(kind=kind))
        for arguments in (["ls"], ["ls", "--names"], ["ls", "segment"]):
            assert ferry(root, *arguments)[0] == 0
        assert {thing["kind"] for thing in listed(root, "segment")} == {"segment"}
        names = [thing["name"] for thing in listed(root)]
        assert len(names) == len(set(names)), names
        expected = {name for name in root.names if re.fullmatch(r"[a-z]+-\d+", name)}
        assert expected <= set(names), f"not listed: {sorted(expected - set(names))}"


def everything_can_be_shown():
    with Zoo() as root:
        root.everything()
        for name in command_line_names(root):
            status, output = ferry(root, "show", "--json", "--", name)
            if status == 0:
                json.loads(output)
            ferry(root, "show", "--", name)


def everything_can_be_shown_raw():
    with Zoo() as root:
        root.everything()
        for name in command_line_names(root)[::2]:
            ferry(root, "show", "--raw", "--", name)
            status, output = ferry(root, "show", "--raw", "--json", "--", name)
            if status == 0:
                json.loads(output)


def nothing_is_read_that_is_no_object():
    with Zoo() as root:
        root.everything()
        for name in command_line_names(root):
            status, output = ferry(root, "read", "--timeout", "10ms", "--count", "5", "--", name,
                                   binary=True)
            assert output in (b"", bytes(5)) and (status != 0 or output), name


def nothing_is_written_that_is_no_object():
    with Zoo() as root:
        root.everything()
        for name in command_line_names(root):
            ferry(root, "write", "--timeout", "10ms", "--", name, "text")


def waiting_ends_in_time():
    with Zoo() as root:
        root.everything()
        for name in command_line_names(root):
            status, _ = ferry(root, "wait", "--timeout", "1ms", "--", name)
            assert status != 0 or "complete" in name, name


def what_goes_by_a_name_can_be_removed_but_a_directory():
    with Zoo() as root:
        foreign = ["sem.mine", "ferry", "Ferry.x", "notes", "ferry-x"]
        for name in foreign:
            (root.path / name).write_bytes(SECRET)
        root.everything()
        for name in command_line_names(root):
            ferry(root, "rm", "--", name)
        left = {path.name for path in root.path.iterdir() if not path.is_dir()}
        assert left >= set(foreign)
        assert [thing["name"] for thing in listed(root)] == ["directory"]


def what_processes_hold_without_a_name_is_survived():
    with Zoo() as root:
        held = []
        for size, content in ((0, b""), (100, control()), (CONTROL_BYTES, control(flags=1)),
                              (CONTROL_BYTES, scribbled(1, root.rng, flags=1)),
                              (CONTROL_BYTES, scribbled(0.2, root.rng, flags=1)),
                              (CONTROL_BYTES, scribbled(0.2, root.rng, flags=3))):
            descriptor = os.memfd_create("ferry")
            os.write(descriptor, content[:size])
            held.append(descriptor)
        held += [os.memfd_create("ferry \x1b[31m (deleted)"), *os.pipe()]
        for option in ([], ["--json"]):
            assert ferry(root, "ls", *option)[0] == 0
            for descriptor in held:
                ferry(root, "show", *option, f"held:{os.getpid()}:{descriptor}")
                ferry(root, "show", "--raw", *option, f"held:{os.getpid()}:{descriptor}")
        for descriptor in held:
            os.close(descriptor)


def watching_lives_with_everything():
    with Zoo() as root:
        root.everything()
        with subprocess.Popen([FERRY, "ls", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "FERRY_ROOT": str(root.path)}) as watcher:
            assert ferry(root, "new", "segment", "zebra", "--size", "8")[0] == 0
            lines = []
            while b"zebra" not in (line := watcher.stdout.readline()):
                assert line, f"it ended: {watcher.stderr.read()!r}"
                lines.append(line)
            watcher.send_signal(signal.SIGTERM)
            lines += watcher.stdout.readlines()
            error = watcher.stderr.read()
        assert not UNCLEAN.search(b"".join(lines).decode("utf-8")) and not error, error


def thousands_of_forged_members_are_shown_in_time():
    with Zoo() as root:
        root.file("crowd", scribbled(1, root.rng))
        start = time.monotonic()
        assert ferry(root, "show", "crowd")[1].count(b"\n") > 4000
        assert time.monotonic() - start < HANG_S


def thousands_of_files_are_listed_in_time():
    with Zoo() as root:
        content = control()[:4200]
        for i in range(3000):
            path = root.path / f"ferry.crowd-{i}"
            path.write_bytes(content)
            os.truncate(path, 266240 if i % 2 else 4200)
        start = time.monotonic()
        assert len(listed(root)) == 3000
        assert time.monotonic() - start < LIMIT_S


def a_new_object_is_made_beside_all_of_it():
    with Zoo() as root:
        root.everything()
        assert ferry(root, "new", "segment", "mine", "--size", "8")[0] == 0
        assert ferry(root, "write", "mine", "hello")[0] == 0
        assert ferry(root, "read", "mine", "--count", "5", binary=True) == (0, b"hello")
        assert ferry(root, "rm", "mine")[0] == 0
        mode = os.stat(root.path / "ferry.hard").st_mode
        assert stat.S_ISREG(mode)


tap.run(listing_lives_with_everything, everything_can_be_shown, everything_can_be_shown_raw,
        nothing_is_read_that_is_no_object, nothing_is_written_that_is_no_object, waiting_ends_in_time,
        what_goes_by_a_name_can_be_removed_but_a_directory, watching_lives_with_everything,
        what_processes_hold_without_a_name_is_survived, thousands_of_forged_members_are_shown_in_time,
        thousands_of_files_are_listed_in_time, a_new_object_is_made_beside_all_of_it)

#!/usr/bin/env python3
"""Programs for two kinds of machine share objects: 32 and 64 bits, two processors, two C libraries.

usage: sharing.py HOST NATIVE PLANTED [EMULATOR...]

HOST is tests/platforms/partner.c built for the machine that was configured, NATIVE for the one that
builds, PLANTED the same with two fields of the layout exchanged.  EMULATOR runs HOST.
"""

import errno
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import tap

HOST = sys.argv[4:] + [sys.argv[1]]
NATIVE = [sys.argv[2]]
PLANTED = [sys.argv[3]]

SECOND = 10**9
NAME = "shared"
TURNS = 2000  # each side takes a contended lock so often


class Partner:
    """A process that does what it is told; its answers are (number, text)."""

    def __init__(self, program, channel):
        self.process = subprocess.Popen(
            [*program, str(channel)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            pass_fds=(channel,))

    def hear(self):
        line = self.process.stdout.readline()
        assert line, f"{self.process.args[-1]} ended with {self.process.wait()}"
        return line.rstrip("\n")

    def say(self, order):
        self.process.stdin.write(order + "\n")

    def answer(self):
        number, _, text = self.hear().partition(" ")
        return int(number), text

    def ask(self, order):
        self.say(order)
        return self.answer()

    def do(self, order):
        """What must succeed; returns the number."""
        number, text = self.ask(order)
        assert number >= 0, f"{order}: {number} {text}"
        return number

    def text(self, order):
        number, text = self.ask(order)
        assert number >= 0, f"{order}: {number} {text}"
        return text

    def look(self):
        return dict(word.split("=") for word in self.text("look").split())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


class Company:
    """Three partners in a root of their own: two of the first kind and one of the second."""

    def __init__(self, first, second):
        self.programs = (first, second, first)

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="ferry-sharing-", dir="/dev/shm")
        os.environ["FERRY_ROOT"] = self.root
        self.ends = socket.socketpair()
        self.partners = [Partner(program, self.ends[place % 2].fileno())
                         for place, program in enumerate(self.programs)]
        return self.partners

    def __exit__(self, *_):
        for partner in self.partners:
            partner.end()
        for end in self.ends:
            end.close()
        shutil.rmtree(self.root)


def until(condition, what):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, f"for ten seconds not: {what}"
        time.sleep(0.001)


def expect(actual, wanted):
    assert actual == wanted, f"{actual!r} instead of {wanted!r}"


# ---- What every two kinds must agree on; `one` makes the object, `two` finds it ----------------------

def fields_are_where_the_other_has_them(one, two, _):
    one.do(f"create {NAME} 4097")
    two.do(f"open {NAME}")
    one.do("lock 0")
    one.do("notify")
    ours, theirs = one.text(f"raw {NAME}"), two.text(f"raw {NAME}")
    assert "notice.version=" in ours, ours
    for mine, other in zip(ours.split(), theirs.split()):
        expect(other, mine)
    expect(theirs, ours)


def contents_are_seen(one, two, _):
    one.do(f"create {NAME} 4097")
    one.do("write 4090 seven..")
    two.do(f"open {NAME}")
    expect(two.text("read 4090 7"), "seven..")
    two.do("write 0 back")
    expect(one.text("read 0 4"), "back")
    expect(two.look()["size"], "4097")


def members_and_counters_agree(one, two, observer):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    one.do("lock 0")
    owner, other = one.process.pid, two.process.pid
    listing = f"0:{owner}:alive:24:owner 1:{other}:alive:24:"
    expect(two.text(f"members {NAME}"), listing)
    expect(observer.text(f"members {NAME}"), listing)
    expect(one.look(), two.look())
    expect(two.look()["owner"], str(owner))
    expect(two.look()["attaches"], "2")
    two.do("close")
    expect(one.look()["attached"], "1")
    expect(one.look()["detaches"], "1")


def lock_excludes(one, two, _):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    one.do("lock 0")
    expect(two.ask("lock 0")[0], -errno.EAGAIN)
    expect(two.ask("unlock")[0], -errno.EPERM)
    one.do("unlock")
    one.say(f"count 8 {TURNS}")
    two.say(f"count 8 {TURNS}")
    counts = one.answer()[0], two.answer()[0]
    expect(max(counts), 2 * TURNS)


def sleeper_gets_the_lock_of_the_killed(one, two, observer):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    observer.do(f"open {NAME}")
    one.do("lock 0")
    two.say(f"lock {10 * SECOND}")
    until(lambda: int(observer.look()["waits"]) > 0, "somebody waits")
    one.kill()
    expect(two.answer()[0], -errno.EOWNERDEAD)
    expect(observer.look()["unrepaired"], "1")
    two.kill()
    expect(observer.look()["owner_dead"], "1")
    expect(observer.ask("lock 0")[0], -errno.EOWNERDEAD)
    observer.do("repaired")
    observer.do("unlock")
    observer.do("lock 0")
    expect(observer.look()["unrepaired"], "0")
    expect(observer.look()["attached"], "1")


def sleepers_hear_notices(one, two, observer):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    for version, (teller, sleeper) in enumerate(((one, two), (two, one), (one, two)), 1):
        sleeper.say(f"wait {version - 1} {10 * SECOND}")
        until(lambda: "waiting" in observer.text(f"members {NAME}"), "somebody sleeps")
        teller.do(f"write 0 news{version}")
        teller.do("notify")
        expect(sleeper.answer()[0], version)
        expect(sleeper.text("read 0 5"), f"news{version}")
    expect(one.ask("wait 3 0")[0], -errno.EAGAIN)


def sleeper_hears_the_next_after_a_killed_one(one, two, observer):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    two.say(f"wait 0 {10 * SECOND}")
    until(lambda: "waiting" in observer.text(f"members {NAME}"), "somebody sleeps")
    one.kill()
    observer.do(f"open {NAME}")
    observer.do("notify")
    expect(two.answer()[0], 1)
    expect(two.look()["attached"], "2")


def anonymous_segment_is_handed_over(one, two, _):
    one.do("create - 64")
    one.do("write 0 mine")
    one.do("give")
    two.do("take")
    expect(two.text("read 0 4"), "mine")
    one.do("lock 0")
    expect(two.ask("lock 0")[0], -errno.EAGAIN)
    one.kill()
    expect(two.ask(f"lock {10 * SECOND}")[0], -errno.EOWNERDEAD)
    expect(two.look()["attached"], "1")


def named_segment_is_handed_over(one, two, _):
    one.do(f"create {NAME} 64")
    one.do("give")
    two.do("take")
    two.do("write 0 yours")
    expect(one.text("read 0 5"), "yours")
    expect(one.look()["attached"], "2")


# Kinds of queues, as flags in <ferry/queue.h>: in order, with types, with priorities, with both.
QUEUES = (0, 0x1000, 0x2000, 0x3000)


def sleeps(partner, name, side):
    """How often somebody slept for messages ("in"), or for room ("out")."""
    fields = dict(word.split("=") for word in partner.text(f"raw {name}").split() if "=" in word)
    return int(fields[f"{side}.sleeps"].split(":")[1], 16)


def messages_are_exchanged(one, two, _):
    for flags in QUEUES:
        one.do(f"queue {NAME}{flags} {flags}")
        two.do(f"queue {NAME}{flags} 0")
        for sender, receiver in 40 * ((one, two), (two, one)):
            for text, times in (("a", 1), ("bcd", 50), ("e", 48)):
                sender.do(f"send {text} {times} 0")
            expect(one.text("statistics"), two.text("statistics"))
            for text, times in (("a", 1), ("bcd", 50), ("e", 48)):
                expect(receiver.ask("receive 0"), (times * len(text), times * text))
        expect(one.ask("receive 0")[0], -errno.EAGAIN)


def queue_s_fields_are_where_the_other_has_them(one, two, _):
    one.do(f"queue {NAME} 0")
    two.do(f"queue {NAME} 0")
    one.do("send x 100 0")
    two.do("send y 7 0")
    ours = one.text(f"raw {NAME}")
    assert "in.sequence=" in ours, ours
    expect(two.text(f"raw {NAME}"), ours)


def sleepers_get_messages_and_room(one, two, observer):
    for flags in QUEUES:
        name = f"{NAME}{flags}"
        one.do(f"queue {name} {flags}")
        two.do(f"queue {name} 0")
        for sender, receiver in ((one, two), (two, one)):
            before = sleeps(observer, name, "in")
            receiver.say(f"receive {10 * SECOND}")
            until(lambda: sleeps(observer, name, "in") > before, "somebody sleeps for a message")
            sender.do("send news 1 0")
            expect(receiver.answer(), (4, "news"))
            while sender.ask("send full 10 0")[0] >= 0:
                continue
            before = sleeps(observer, name, "out")
            sender.say(f"send late 1 {10 * SECOND}")
            until(lambda: sleeps(observer, name, "out") > before, "somebody sleeps for room")
            expect(receiver.do("receive 0"), 40)
            expect(sender.answer()[0], 0)
            for _ in range(7):
                expect(receiver.do("receive 0"), 40)
            expect(receiver.ask("receive 0"), (4, "late"))


def messages_outlive_a_killed_sender(one, two, observer):
    for flags in QUEUES:
        two.do(f"queue {NAME}{flags} {flags}")
        observer.do(f"queue {NAME}{flags} 0")
        two.do("send kept 1 0")
    two.kill()
    expect(observer.ask("receive 0"), (4, "kept"))


def queue_is_handed_over(one, two, _):
    one.do("queue - 0")
    one.do("send mine 1 0")
    one.do("give-queue")
    two.do("take-queue")
    expect(two.ask("receive 0"), (4, "mine"))
    two.do("send yours 1 0")
    expect(one.ask("receive 0"), (5, "yours"))


def semaphore_s_fields_are_where_the_other_has_them(one, two, _):
    for count in (0, 3):
        name = f"{NAME}{count}"
        one.do(f"semaphore {name} {count} 7")
        two.do(f"semaphore {name} {count} 7")
        if count == 0:
            one.do("unit 0")
        else:
            two.do("steps 1 -2 0")
        ours = one.text(f"raw {name}")
        assert "semaphore.word=" in ours, ours
        expect(two.text(f"raw {name}"), ours)


def units_are_counted_by_both(one, two, _):
    one.do(f"semaphore {NAME} 0 5")
    two.do(f"semaphore {NAME} 0 5")
    for taker, giver in 20 * ((one, two), (two, one)):
        for left in range(4, -1, -1):
            taker.do("unit 0")
            expect(giver.text("units 1"), f"{left} sleepers=0")
        expect(giver.ask("unit 0")[0], -errno.EAGAIN)
        for _ in range(5):
            giver.do("post")
        expect(taker.text("units 1"), "5 sleepers=0")


def a_semaphore_excludes(one, two, _):
    one.do(f"create {NAME} 64")
    two.do(f"open {NAME}")
    one.do("semaphore door 0 1")
    two.do("semaphore door 0 1")
    one.say(f"visit 8 {TURNS}")
    two.say(f"visit 8 {TURNS}")
    counts = one.answer()[0], two.answer()[0]
    expect(max(counts), 2 * TURNS)
    expect(one.text("units 1"), "1 sleepers=0")


def sleepers_get_units(one, two, observer):
    for partner in (one, two, observer):
        partner.do(f"semaphore {NAME} 0 0")
    for poster, sleeper in 10 * ((one, two), (two, one)):
        sleeper.say(f"unit {10 * SECOND}")
        until(lambda: observer.text("units 1") == "0 sleepers=1", "somebody sleeps")
        poster.do("post")
        expect(sleeper.answer()[0], 0)
        expect(observer.text("units 1"), "0 sleepers=0")


def steps_are_all_done_or_none(one, two, observer):
    for partner in (one, two, observer):
        partner.do(f"semaphore {NAME} 3 2")
    one.do("steps 1 -2 0")
    expect(two.text("units 3"), "0 0 2 sleepers=0")
    expect(two.ask("steps 2 -1 0")[0], -errno.EAGAIN)
    expect(one.text("units 3"), "0 0 2 sleepers=0")
    two.say(f"steps 2 -1 {10 * SECOND}")
    until(lambda: observer.text("units 3") == "0 0 2 sleepers=1", "somebody sleeps")
    one.do("steps 1 2 0")
    expect(two.answer()[0], 0)
    expect(one.text("units 3"), "1 2 1 sleepers=0")


def what_a_killed_one_held_is_given_back(one, two, observer):
    for partner in (one, two, observer):
        partner.do(f"semaphore {NAME} 3 2")
    one.do("steps 2 -2 0")
    two.say(f"steps 1 -1 {10 * SECOND}")
    until(lambda: observer.text("units 3") == "0 2 0 sleepers=1", "somebody sleeps")
    one.kill()
    expect(two.answer()[0], 0)
    expect(observer.text("units 3"), "1 1 2 sleepers=0")
    two.kill()
    expect(observer.text("units 3"), "2 2 2 sleepers=0")


def semaphore_is_handed_over(one, two, _):
    for count in (0, 3):
        one.do(f"semaphore - {count} 3")
        one.do("give-semaphore")
        two.do("take-semaphore")
        if count == 0:
            two.do("unit 0")
        else:
            two.do("steps 1 -1 0")
        expect(one.text(f"units {max(count, 1)}"), "2 sleepers=0" if count == 0 else "2 2 3 sleepers=0")


BODIES = [fields_are_where_the_other_has_them, contents_are_seen, members_and_counters_agree, lock_excludes,
          sleeper_gets_the_lock_of_the_killed, sleepers_hear_notices, sleeper_hears_the_next_after_a_killed_one,
          anonymous_segment_is_handed_over, named_segment_is_handed_over, messages_are_exchanged,
          queue_s_fields_are_where_the_other_has_them, sleepers_get_messages_and_room, messages_outlive_a_killed_sender,
          queue_is_handed_over, semaphore_s_fields_are_where_the_other_has_them, units_are_counted_by_both, a_semaphore_excludes,
          sleepers_get_units, steps_are_all_done_or_none, what_a_killed_one_held_is_given_back, semaphore_is_handed_over]


def case(body, first, second, suffix):
    def run():
        with Company(first, second) as partners:
            body(*partners)
    run.__name__ = f"{body.__name__}_{suffix}"
    return run


# ---- That it would be seen ---------------------------------------------------------------------------

def fails(body):
    try:
        case(body, HOST, PLANTED, "planted")()
    except AssertionError:
        return True
    return False


def planted_layout_is_noticed():
    assert fails(fields_are_where_the_other_has_them), "the fields seemed equal"
    assert fails(members_and_counters_agree), "the counters seemed equal"
    assert not fails(contents_are_seen), "the planted library does not work at all"


tap.run(*(case(body, HOST, NATIVE, "as_host_and_native") for body in BODIES),
        *(case(body, NATIVE, HOST, "as_native_and_host") for body in BODIES),
        planted_layout_is_noticed)

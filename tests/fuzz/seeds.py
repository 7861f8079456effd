#!/usr/bin/env python3
"""Writes the corpus anew: a few small inputs for each target, from which a fuzzer finds its way.  What a
fuzzer found to be a fault is added by hand, under a name that says what it was.

usage: seeds.py DIRECTORY
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "hostile"))
from zoo import identity  # noqa: E402


def control():
    """(operation, count of patches, patches) …; see control.c."""
    named = [bytes([0, word, value]) for word, value in ((34, 9), (40, 12), (60, 30), (90, 20))]
    raw = struct.pack("<BHQ", 193, 1536 // 8, 7) + struct.pack("<BHI", 192, 128 // 4, 9 << 13 | 5)
    for operation in range(20):
        yield f"operation-{operation}", bytes([operation, 0])
    yield "all", b"".join(bytes([operation, 1]) + named[operation % 4] for operation in range(12))
    yield "raw", bytes([0, 2]) + raw + bytes([1, 0, 5, 0])
    yield "many", bytes([5, 7]) + b"".join(named) + raw + named[0]
    # A dead holder of the books, and a journal that it had committed.
    journal = struct.pack("<BHI", 192, 192 // 4, 3) + struct.pack("<BHQ", 193, 256 // 8, 96)
    yield "journal", bytes([10, 3]) + journal + struct.pack("<BHI", 192, 128 // 4, 1 << 13 | 9)


def file():
    """Choices, size of the data, content; see file.c."""
    for name, choices, fields in (("whole", 0x1F, {}), ("temporary", 0x3F, {}), ("kind", 0x1F, {"kind": 9}),
                                  ("version", 0x1F, {"version": 2}), ("huge", 0x1F, {"size": 2**62}),
                                  ("no-data", 0x13, {}), ("no-bell", 0x0F, {}), ("cut", 0x1D, {}),
                                  ("unsealed", 0x1E, {"mode": 7})):
        yield name, struct.pack("<BI", choices, 4097) + identity(**fields)
    yield "members", struct.pack("<BI", 0x1F, 0) + identity() + struct.pack("<6Q", 3, 0, 0, 1, 1, 3)
    yield "empty", b""


def parcel():
    """Count, a byte for each descriptor, patches; see parcel.c."""
    yield "sound", bytes([4, 0, 0, 0, 0])
    yield "few", bytes([3, 0, 0, 0])
    yield "many", bytes([8] + 8 * [0])
    yield "slot", bytes([4, 0, 0, 0, 0, 12, 5])
    yield "name", bytes([4, 0, 0, 0, 0, 16, ord("x")])
    yield "size", bytes([4, 0, 0, 0, 0, 1]) + struct.pack("<QH", 2**62, 24)
    for place in range(4):
        choices = [0, 0, 0, 0]
        choices[place] = 161 + 2 * place
        yield f"odd-{place}", bytes([4] + choices)


def pipe():
    """Records or not, then (operation, how much, count of patches, patches) …; see pipe.c."""
    def step(operation, much, *patches):
        return struct.pack("<BHB", operation, much, len(patches)) + b"".join(patches)

    for operation in range(9):
        for records in range(2):
            yield f"operation-{operation}-{records}", bytes([records]) + step(0, 100) + step(operation, 100)
    length = struct.pack("<BHI", 128, 0, 2**32 - 1)
    yield "length", bytes([1]) + step(0, 100) + step(2, 100, length) + step(5, 100, length)
    named = [struct.pack("<BHB", 0, word, word % 40) for word in range(40, 300)]
    for first in range(0, len(named), 20):
        steps = b"".join(step(number % 9, 100 * number, word) for number, word in enumerate(named[first:first + 16]))
        yield f"words-{first}", bytes([first // 20 % 2]) + steps
    yield "sizes", bytes([0]) + b"".join(step(7, 1 << 12 + number % 3) + step(0, 3000) + step(6, 5000) + step(2, 2000)
                                         for number in range(4))


def queue():
    """Which queue, then (operation, how much, count of patches, patches) …; see queue.c."""
    def step(operation, much, *patches):
        return struct.pack("<BHB", operation, much, len(patches)) + b"".join(patches)

    for operation in range(10):
        for shape in range(2):
            yield f"operation-{operation}-{shape}", bytes([shape]) + step(0, 100) + step(operation, 100)
    size = struct.pack("<BHI", 128, 1, 2**32 - 1)
    yield "size", bytes([0]) + step(0, 100) + step(3, 512, size) + step(6, 100, size) + step(8, 100, size)
    state = struct.pack("<BHI", 128, 0, 2**31 + 1)
    yield "state", bytes([0]) + step(0, 100) + step(3, 512, state) + step(0, 100, state) + step(9, 1)
    named = [struct.pack("<BHB", 0, word, word % 40) for word in range(60, 360)]
    for first in range(0, len(named), 20):
        steps = b"".join(step(number % 10, 30 * number, word) for number, word in enumerate(named[first:first + 16]))
        yield f"words-{first}", bytes([first // 20 % 3]) + steps


def text():
    for number, line in enumerate(("eu.orders", "64K", "1.5s", "100ms", "key:0x0104abcd", "ferry.x",
                                   "ferry.x:data:00000000000fb759", "ferry.x:bell:ffffffffffffffff",
                                   "9223372036854775807", "日本", "\x1b[31m", "8388608T")):
        yield f"line-{number}", line.encode()


def main():
    for target in (control, file, parcel, pipe, queue, text):
        folder = pathlib.Path(sys.argv[1]) / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in target():
            (folder / name).write_bytes(content)


main()

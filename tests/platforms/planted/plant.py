#!/usr/bin/env python3
"""Plants a fault that no compiler sees: two fields of the same width change places.

usage: plant.py LAYOUT_H PLANTED_H
"""

import pathlib
import sys

source, planted = map(pathlib.Path, sys.argv[1:])
FIELDS = ("    _Atomic uint64_t attaches;\n", "    _Atomic uint64_t detaches;\n")

text = source.read_text(encoding="utf-8")
assert text.count("".join(FIELDS)) == 1, f"{source} has no two such fields in a row"
planted.write_text(text.replace("".join(FIELDS), "".join(reversed(FIELDS))), encoding="utf-8")

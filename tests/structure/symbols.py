#!/usr/bin/env python3
"""What libferry.so exports is what the headers declare and tests/abi/symbols.txt lists.

usage: symbols.py SOURCE_ROOT LIBRARY [--update]
--update writes the list anew from the library.
"""

import pathlib
import re
import subprocess
import sys

import tap

ROOT = pathlib.Path(sys.argv[1])
LIBRARY = sys.argv[2]
LIST = ROOT / "tests/abi/symbols.txt"

HEADING = ("# What libferry.so exports, sorted.  A name leaves this list only with a new major version.\n"
           "# tests/structure/symbols.py . build/src/libferry.so --update writes it anew.\n")


def exported():
    """The dynamic symbols that the library defines, without the name of the version itself."""
    lines = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    fields = [line.split() for line in lines]
    return {name.split("@")[0] for *_, kind, name in fields if kind != "A"}


def declared():
    """The functions that the headers mark with FERRY_API."""
    names = set()
    for path in (ROOT / "include").rglob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.DOTALL | re.MULTILINE)
        names.update(re.findall(r"FERRY_API\b[^;(]*?(\w+)\s*\(", text))
    return names


def listed():
    return {line for line in LIST.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")}


def differences(one, one_name, other, other_name):
    for name in sorted(one - other):
        yield f"{name}: in {one_name}, not in {other_name}"
    for name in sorted(other - one):
        yield f"{name}: in {other_name}, not in {one_name}"


def library_exports_what_the_headers_declare():
    tap.expect_none(differences(exported(), "the library", declared(), "the headers"))


def library_exports_what_the_list_says():
    tap.expect_none(differences(exported(), "the library", listed(), "tests/abi/symbols.txt"))


def every_exported_name_is_ours():
    tap.expect_none(f"{name}: does not start with ferry_"
                    for name in sorted(exported()) if not name.startswith("ferry_"))


def planted_difference_is_found():
    assert list(differences({"a", "b"}, "x", {"b", "c"}, "y")) == [
        "a: in x, not in y", "c: in y, not in x"]


if sys.argv[3:] == ["--update"]:
    LIST.write_text(HEADING + "".join(f"{name}\n" for name in sorted(exported())), encoding="utf-8")
else:
    tap.run(library_exports_what_the_headers_declare, library_exports_what_the_list_says,
            every_exported_name_is_ours, planted_difference_is_found)

#!/usr/bin/env python3
"""What libferry.so exports is what the headers declare and tests/abi/symbols.txt and Debian's file list.

usage: symbols.py SOURCE_ROOT LIBRARY [--update]
--update writes the list anew from the library.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import abi
import tap

ROOT = pathlib.Path(sys.argv[1])
LIBRARY = sys.argv[2]

HEADING = ("# What libferry.so exports, sorted.  A name leaves this list only with a new major version.\n"
           "# tests/structure/symbols.py . build/src/libferry.so --update writes it anew.\n")


def declared():
    """The functions that the headers mark with FERRY_API."""
    names = set()
    for path in (ROOT / "include").rglob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.DOTALL | re.MULTILINE)
        names.update(re.findall(r"FERRY_API\b[^;(]*?(\w+)\s*\(", text))
    return names


def library_exports_what_the_headers_declare():
    tap.expect_none(abi.differences(abi.exported(LIBRARY), "the library",
                                    declared(), "the headers"))


def library_exports_what_the_list_says():
    tap.expect_none(abi.differences(abi.exported(LIBRARY), "the library",
                                    abi.listed(ROOT), "tests/abi/symbols.txt"))


def debian_lists_what_the_list_says():
    text = (ROOT / "debian/libferry0.symbols").read_text(encoding="utf-8")
    names = set(re.findall(r"^ (ferry_\w+)@FERRY_0 \d", text, re.MULTILINE))
    tap.expect_none(abi.differences(names, "debian/libferry0.symbols",
                                    abi.listed(ROOT), "tests/abi/symbols.txt"))


def every_exported_name_is_ours():
    tap.expect_none(f"{name}: does not start with ferry_"
                    for name in sorted(abi.exported(LIBRARY)) if not name.startswith("ferry_"))


def planted_export_is_found():
    with tempfile.TemporaryDirectory() as directory:
        library = pathlib.Path(directory, "planted.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], check=True, text=True,
                       input="int ferry_planted(void) { return 0; }\n"
                             "__attribute__((visibility(\"hidden\"))) int inner(void) { return 0; }\n")
        found = abi.exported(library)
    assert found - abi.listed(ROOT) == {"ferry_planted"}, found


def planted_difference_is_found():
    assert list(abi.differences({"a", "b"}, "x", {"b", "c"}, "y")) == [
        "a: in x, not in y", "c: in y, not in x"]


if sys.argv[3:] == ["--update"]:
    names = "".join(f"{name}\n" for name in sorted(abi.exported(LIBRARY)))
    abi.list_path(ROOT).write_text(HEADING + names, encoding="utf-8")
else:
    tap.run(library_exports_what_the_headers_declare, library_exports_what_the_list_says,
            debian_lists_what_the_list_says, every_exported_name_is_ours, planted_export_is_found,
            planted_difference_is_found)

#!/usr/bin/env python3
"""The direction of includes: base <- os <- shared <- ipc <- dropin, bridge, cli.

usage: includes.py SOURCE_ROOT
"""

import pathlib
import re
import sys

import tap

ROOT = pathlib.Path(sys.argv[1])

# A layer, and those that it may stand on besides itself.
LAYERS = {
    "base": [],
    "os": ["base"],
    "shared": ["base", "os"],
    "ipc": ["base", "os", "shared"],
    "dropin": ["base", "os", "shared", "ipc"],
    "bridge": ["base", "os", "shared", "ipc"],
    # The command has the public API; only words and numbers are read as the library reads them.
    "cli": ["base", "bench"],
}

# What is plain C and asks the kernel for nothing: all that base may use.
PLAIN = {f"{name}.h" for name in (
    "assert ctype errno inttypes limits stdarg stdatomic stdbool stddef stdint stdio stdlib string"
    " sys/types").split()}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def faults_in(path, text):
    """What is wrong with the includes of the file at this path below the source root."""
    parts = pathlib.PurePath(path).parts
    for bracket, name in INCLUDE.findall(text):
        fault = judge(parts, bracket == '"', name)
        if fault:
            yield f"{path}: includes {name}, {fault}"


def judge(parts, quoted, name):
    if parts[0] == "include":
        return "but a public header takes in only public ones" if quoted else None
    if parts[0] == "src":
        return judge_source(parts[1], quoted, name)
    if quoted and name.split("/")[0] in LAYERS:
        return "but what stands outside of the library uses its public headers alone"
    return None


def judge_source(layer, quoted, name):
    if not quoted:
        if layer == "base" and name not in PLAIN and not name.startswith("ferry/"):
            return "but base makes no system calls"
        return None
    target = name.split("/")[0] if "/" in name else layer
    if target != layer and target not in LAYERS[layer]:
        return f"but {layer} does not stand on {target}"
    return None


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def expect_clean(*folders):
    files = list(sources(*folders))
    tap.expect_none(fault for path, text in files for fault in faults_in(path, text))


def layers_stand_only_on_those_below():
    assert any(True for _ in sources("src/base")), f"no sources in {ROOT}"
    expect_clean("src")


def every_layer_is_known():
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    tap.expect_none(f"src/{name}: no rule for this layer" for name in folders - set(LAYERS))


def public_headers_take_in_public_ones_only():
    expect_clean("include")


def examples_and_multi_process_tests_use_the_public_headers():
    expect_clean("examples", "tests/multi", "bench")


def planted_faults_are_found():
    planted = {
        "src/base/x.c": "#include <unistd.h>",
        "src/os/x.c": '#include "shared/lock.h"',
        "src/shared/x.h": '#  include "ipc/segment.h"',
        "src/cli/x.c": '#include "os/file.h"',
        "include/ferry/x.h": '#include "base/error.h"',
        "examples/x.c": '#include "base/error.h"',
    }
    for path, text in planted.items():
        assert len(list(faults_in(path, "/* x */\n" + text + "\n"))) == 1, path
    sound = '#include "x.h"\n#include "os/file.h"\n#include <unistd.h>\n#include <ferry/base.h>\n'
    tap.expect_none(faults_in("src/shared/x.c", sound))


tap.run(layers_stand_only_on_those_below, every_layer_is_known,
        public_headers_take_in_public_ones_only,
        examples_and_multi_process_tests_use_the_public_headers, planted_faults_are_found)

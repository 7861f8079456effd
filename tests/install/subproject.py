#!/usr/bin/env python3
"""Ferry as a part of somebody else's Meson project: fetched by a wrap file, built with it.

usage: subproject.py SOURCE_ROOT
"""

import hashlib
import json
import tarfile

import tap
from scratch import SCRATCH, copy_source, expect_failure, hello_source, need, needed_libraries, \
    environment, project, run, run_hello

MESON_BUILD = """
project('hello', 'c')
ferry = dependency('ferry', version: 'WANTED', default_options: ['peers=disabled'])
executable('hello', 'hello.c', dependencies: ferry)
executable('hello-static', 'hello.c', dependencies: dependency('ferry', static: true))
find_program('ferry')
"""

# As for a release that is fetched; the archive is already where Meson keeps what it has fetched.
WRAP = """
[wrap-file]
directory = ferry-0
source_filename = ferry-0.tar.gz
source_url = https://ferry.invalid/ferry-0.tar.gz
source_hash = {}

[provide]
dependency_names = ferry
program_names = ferry
"""


def wrap(directory):
    archive = directory / "subprojects/packagecache/ferry-0.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(copy_source(SCRATCH / f"{directory.name} source"), "ferry-0")
    text = WRAP.format(hashlib.sha256(archive.read_bytes()).hexdigest())
    # Not by the subproject's own name: only the wrap file knows what it provides.
    (directory / "subprojects/crossing.wrap").write_text(text, encoding="utf-8")


def configure(name, wanted):
    need("meson")
    directory = project(name, hello_source(), meson__build=MESON_BUILD.replace("WANTED", wanted))
    wrap(directory)
    run("meson", "setup", "build", "--buildtype=debug", "--force-fallback-for=ferry", cwd=directory,
        env=environment())
    return directory / "build"


def hello_works_with_ferry_as_a_subproject():
    build = configure("with a subproject", ">=0.1")
    run("meson", "compile", "-C", build, env=environment())
    assert "libferry.so.0" in needed_libraries(build / "hello")
    assert not [name for name in needed_libraries(build / "hello-static") if "ferry" in name]
    command, = build.rglob("src/cli/ferry")
    for program in ("hello", "hello-static"):
        run_hello(build / program, command, environment())


def the_subprojects_tests_stay_at_home():
    tests = run("meson", "introspect", "--tests", SCRATCH / "with a subproject/build")
    assert json.loads(tests) == [], tests


def another_version_is_refused():
    expect_failure(configure, "with another version", ">=99", said=">=99")


tap.run(hello_works_with_ferry_as_a_subproject, the_subprojects_tests_stay_at_home,
        another_version_is_refused)

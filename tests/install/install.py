#!/usr/bin/env python3
"""Installs into a scratch directory and uses what is there as somebody else's program would.

usage: install.py SOURCE_ROOT BUILD_ROOT
"""

import atexit
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap

SOURCE = pathlib.Path(sys.argv[1])
BUILD = pathlib.Path(sys.argv[2])

# No space in the root's path: pkg-config does not quote its sysroot.  The programs' paths have one.
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="ferry-install-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
DESTINATION = SCRATCH / "root"


def run(*command, **options):
    """Runs a command; a failure carries all that it printed."""
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise AssertionError(f"{words}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise tap.Skip(f"{program} is not installed")


def install():
    # DESTDIR, not another prefix: the files must work from where they were not configured for.
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", DESTINATION)


def installed(pattern):
    found = sorted(DESTINATION.rglob(pattern))
    assert found, f"meson install put down no {pattern}"
    return found[0]


def environment():
    """Where tools look for the scratch installation, and nothing of the caller's own."""
    pc = installed("ferry.pc").parent
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PKG_CONFIG")},
        "PKG_CONFIG_PATH": str(pc),
        "PKG_CONFIG_SYSROOT_DIR": str(DESTINATION),
        "LD_LIBRARY_PATH": str(installed("libferry.so").parent),
        "CC": os.environ.get("CC", "cc"),
    }


def hello_source():
    """The program that README.md promises to work: the C block after its marker."""
    readme = SOURCE / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    block = re.search(r"<!-- hello -->\s*```c\n(.*?)```", text, re.DOTALL)
    if not block:
        raise tap.Skip("README.md has no C program behind the mark <!-- hello -->")
    return block.group(1)


def project(name, source, **files):
    """A directory with hello.c and these build files."""
    directory = SCRATCH / name
    directory.mkdir()
    (directory / "hello.c").write_text(source, encoding="utf-8")
    for file, text in files.items():
        (directory / file.replace("__", ".")).write_text(text, encoding="utf-8")
    return directory


def run_hello(program, run_environment):
    """It works, twice in the same root, and the command sees what it did."""
    with tempfile.TemporaryDirectory(prefix="ferry-install-", dir="/dev/shm") as root:
        surroundings = {**run_environment, "FERRY_ROOT": root}
        for _ in range(2):
            run(program, env=surroundings)
        run(installed("bin/ferry"), "ls", env=surroundings)


def everything_is_put_down():
    install()
    wanted = [path.relative_to(SOURCE) for path in (SOURCE / "include").rglob("*.h")]
    wanted += ["lib*/**/libferry.so", "lib*/**/libferry.a", "lib*/**/libferry.so.0", "bin/ferry",
               "pkgconfig/ferry.pc", "cmake/ferry/ferry-config.cmake",
               "cmake/ferry/ferry-config-version.cmake", "bash-completion/completions/ferry"]
    for section in "137":
        pages = (SOURCE / "docs" / f"man{section}").glob(f"*.{section}")
        wanted += [f"man{section}/{page.name}*" for page in pages]
    tap.expect_none(f"not installed: {path}" for path in wanted
                    if not list(DESTINATION.rglob(str(path))))


def nothing_private_is_put_down():
    headers = {path.name for path in DESTINATION.rglob("*.h")}
    ours = {path.name for path in (SOURCE / "include").rglob("*.h")}
    tap.expect_none(f"installed, but not public: {name}" for name in headers - ours)


def no_file_names_the_place_it_was_built_in():
    texts = [path for path in DESTINATION.rglob("*") if path.suffix in (".pc", ".cmake", ".h")]
    tap.expect_none(f"{path}: names {SOURCE}" for path in texts
                    if str(SOURCE) in path.read_text(encoding="utf-8"))


def headers():
    return sorted(path.name for path in installed("ferry/ferry.h").parent.glob("*.h"))


def compile_headers(compiler, suffix, *flags):
    """Each header alone, then twice: it needs nothing before it and minds no second time."""
    need(compiler)
    include = installed("ferry/ferry.h").parent.parent
    for header in headers():
        source = SCRATCH / f"header.{suffix}"
        line = f"#include <ferry/{header}>\n"
        source.write_text(line + line + "int nothing_else;\n", encoding="utf-8")
        run(compiler, *flags, "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}",
            "-fsyntax-only", source)


def headers_are_c99():
    compile_headers("gcc", "c", "-std=c99")


def headers_are_c17():
    compile_headers("gcc", "c", "-std=c17")


def headers_are_cxx17():
    compile_headers("g++", "cc", "-std=c++17")


def headers_are_c17_for_clang():
    compile_headers("clang", "c", "-std=c17")


def hello_works_with_pkg_config():
    need("pkg-config")
    directory, surroundings = project("with pkg-config", hello_source()), environment()
    run("sh", "-c", 'eval "$CC hello.c -o hello $(pkg-config --cflags --libs ferry)"',
        cwd=directory, env=surroundings)
    run_hello(directory / "hello", surroundings)


def configure_with_cmake(directory, surroundings):
    run("cmake", "-G", "Ninja", "-S", ".", "-B", "build",
        f"-Dferry_DIR={installed('ferry-config.cmake').parent}", cwd=directory, env=surroundings)


def hello_works_with_cmake():
    need("cmake")
    directory = project("with cmake", hello_source(), CMakeLists__txt="""
cmake_minimum_required(VERSION 3.13)
project(hello C)
find_package(ferry 0.1 REQUIRED)
add_executable(hello hello.c)
target_link_libraries(hello ferry::ferry)
add_executable(hello-static hello.c)
target_link_libraries(hello-static ferry::ferry-static)
""")
    surroundings = environment()
    configure_with_cmake(directory, surroundings)
    run("cmake", "--build", "build", cwd=directory, env=surroundings)
    run_hello(directory / "build/hello", surroundings)
    run_hello(directory / "build/hello-static", surroundings)


def cmake_refuses_another_version():
    need("cmake")
    directory = project("with another version", "", CMakeLists__txt="""
cmake_minimum_required(VERSION 3.13)
project(hello C)
find_package(ferry 99 QUIET)
if(ferry_FOUND)
  message(FATAL_ERROR "0.x is not 99")
endif()
""")
    configure_with_cmake(directory, environment())


def hello_works_with_meson_and_the_static_library():
    need("meson", "pkg-config")
    directory = project("with meson", hello_source(), meson__build="""
project('hello', 'c')
executable('hello', 'hello.c', dependencies: dependency('ferry', static: true))
""")
    surroundings = environment()
    run("meson", "setup", "build", cwd=directory, env=surroundings)
    run("meson", "compile", "-C", "build", cwd=directory, env=surroundings)
    needed = run("readelf", "-d", "build/hello", cwd=directory)
    assert "libferry" not in needed, "the static library was asked for, the shared one was linked"
    run_hello(directory / "build/hello", surroundings)


tap.run(everything_is_put_down, nothing_private_is_put_down, no_file_names_the_place_it_was_built_in,
        headers_are_c99, headers_are_c17, headers_are_c17_for_clang, headers_are_cxx17,
        hello_works_with_pkg_config, hello_works_with_cmake, cmake_refuses_another_version,
        hello_works_with_meson_and_the_static_library)

#!/usr/bin/env python3
"""Installs into a scratch directory and uses what is there as somebody else's program would.

usage: install.py SOURCE_ROOT BUILD_ROOT
"""

import os
import pathlib
import shutil
import subprocess
import sys

import abi
import tap
from scratch import SCRATCH, SOURCE, environment, expect_failure, hello_source, need, \
    needed_libraries, project, run, run_hello

BUILD = pathlib.Path(sys.argv[2])
DESTINATION = SCRATCH / "root"


def install():
    # DESTDIR, not another prefix: the files must work from where they were not configured for.
    # What `ninja uninstall` of this build would take away stays as it was.
    record = BUILD / "meson-logs/install-log.txt"
    kept = record.read_bytes() if record.exists() else None
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", DESTINATION)
    record.unlink(missing_ok=True)
    if kept is not None:
        record.write_bytes(kept)


def installed(pattern):
    found = sorted(DESTINATION.rglob(pattern))
    assert found, f"meson install put down no {pattern}"
    return found[0]


def surroundings_of_the_tree():
    """Where compilers and the loader look for it."""
    return environment(PKG_CONFIG_PATH=str(installed("ferry.pc").parent),
                       PKG_CONFIG_SYSROOT_DIR=str(DESTINATION),
                       LD_LIBRARY_PATH=str(installed("libferry.so").parent))


def use(program):
    run_hello(program, installed("bin/ferry"), surroundings_of_the_tree())


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


def headers_are_the_public_ones_as_they_are():
    there, ours = ({path.name: path.read_bytes() for path in tree.rglob("*.h")}
                   for tree in (DESTINATION, SOURCE / "include"))
    tap.expect_none(f"{name}: not the same in include/ and where it was installed"
                    for name in there.keys() | ours.keys() if there.get(name) != ours.get(name))


def library_exports_what_the_list_says():
    tap.expect_none(abi.differences(abi.exported(installed("libferry.so")), "the installed library",
                                    abi.listed(SOURCE), "tests/abi/symbols.txt"))


def no_file_names_the_place_it_was_built_in():
    texts = [path for path in DESTINATION.rglob("*") if path.suffix in (".pc", ".cmake", ".h")]
    tap.expect_none(f"{path}: names {SOURCE}" for path in texts
                    if str(SOURCE) in path.read_text(encoding="utf-8"))


def compile_with_pkg_config(name, line):
    need("pkg-config")
    directory = project(name, hello_source())
    run("sh", "-c", f'eval "{line}"', cwd=directory, env=surroundings_of_the_tree())
    return directory / "hello"


def hello_works_with_pkg_config():
    use(compile_with_pkg_config("with pkg-config",
                                "$CC hello.c -o hello $(pkg-config --cflags --libs ferry)"))


def hello_is_static_with_pkg_config():
    hello = compile_with_pkg_config(
        "static with pkg-config",
        "$CC -static hello.c -o hello $(pkg-config --static --cflags --libs ferry)")
    assert not needed_libraries(hello), needed_libraries(hello)
    use(hello)


def planted_library_that_is_not_there_is_found():
    expect_failure(compile_with_pkg_config, "with a stranger",
                   "$CC hello.c -o hello $(pkg-config --cflags --libs ferry) -lferry-planted",
                   said="ferry-planted")


def configure_with_cmake(directory):
    run("cmake", "-G", "Ninja", "-S", ".", "-B", "build",
        f"-Dferry_DIR={installed('ferry-config.cmake').parent}", cwd=directory,
        env=surroundings_of_the_tree())


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
    configure_with_cmake(directory)
    run("cmake", "--build", "build", cwd=directory)
    for program in ("hello", "hello-static"):
        use(directory / "build" / program)


def cmake_refuses_another_version():
    need("cmake")
    directory = project("cmake with another version", "", CMakeLists__txt="""
cmake_minimum_required(VERSION 3.13)
project(hello C)
find_package(ferry 99 REQUIRED)
""")
    expect_failure(configure_with_cmake, directory, said="version: 0.1")


def hello_works_with_meson():
    need("meson", "pkg-config")
    directory = project("with meson", hello_source(), meson__build="""
project('hello', 'c')
executable('hello', 'hello.c', dependencies: dependency('ferry'))
executable('hello-static', 'hello.c', dependencies: dependency('ferry', static: true))
""")
    run("meson", "setup", "build", cwd=directory, env=surroundings_of_the_tree())
    run("meson", "compile", "-C", "build", cwd=directory)
    assert "libferry.so.0" in needed_libraries(directory / "build/hello")
    assert "libferry.so.0" not in needed_libraries(directory / "build/hello-static")
    for program in ("hello", "hello-static"):
        use(directory / "build" / program)


def peers_not_here(command):
    """Which of the bench's plug-ins the command does not find."""
    said = subprocess.run([command, "bench", "--list"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=True,
                          env={name: value for name, value in os.environ.items()
                               if name != "FERRY_BENCH_PLUGINS"}).stdout
    assert "Not here" in said or "ZeroMQ" in said, said
    return {name for name in ("Boost", "nng", "ZeroMQ") if f"{name}: measured where" in said}


def moved_command_finds_its_plugins():
    moved = SCRATCH / "moved away"
    shutil.copytree(DESTINATION, moved, symlinks=True)
    command, = moved.rglob("bin/ferry")
    plugins = sorted(moved.rglob("ferry/bench/*.so"))
    if not plugins:
        raise tap.Skip("no plug-in of the bench was built: libzmq, nng and Boost are missing")
    with_them = peers_not_here(command)
    assert len(with_them) == 3 - len(plugins), with_them
    plugins[0].unlink() # and the check can tell
    assert len(peers_not_here(command)) == 3 - len(plugins) + 1


tap.run(everything_is_put_down, headers_are_the_public_ones_as_they_are,
        library_exports_what_the_list_says, no_file_names_the_place_it_was_built_in,
        hello_works_with_pkg_config, hello_is_static_with_pkg_config,
        planted_library_that_is_not_there_is_found, hello_works_with_cmake,
        cmake_refuses_another_version, hello_works_with_meson, moved_command_finds_its_plugins)

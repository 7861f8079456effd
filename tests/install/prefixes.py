#!/usr/bin/env python3
"""Installed to other places than the usual ones, used from there, and taken away again.

usage: prefixes.py SOURCE_ROOT
"""

import re
import shutil

import tap
from scratch import QUICK, SCRATCH, SOURCE, below, environment, expect_failure, hello_source, need, \
    project, run, run_hello

BUILD = SCRATCH / "build"


def configure(**places):
    """The same build again, told other places; little of it is compiled anew."""
    options = [f"-D{option}={place}" for option, place in places.items()]
    if BUILD.exists():
        run("meson", "configure", BUILD, *options)
    else:
        run("meson", "setup", BUILD, SOURCE, *QUICK, *options, env=environment())
    run("ninja", "-C", BUILD)


def install(destination=None):
    # An absolute DESTDIR, as packagers give it.
    run("meson", "install", "-C", BUILD, "--no-rebuild",
        *(["--destdir", destination] if destination else []))


def use(name, root, libdir, sysroot):
    """README's program, in a directory of this name, against the tree with its libraries there."""
    need("pkg-config")
    surroundings = environment(PKG_CONFIG_PATH=str(libdir / "pkgconfig"), LD_LIBRARY_PATH=str(libdir),
                               **({"PKG_CONFIG_SYSROOT_DIR": str(root)} if sysroot else {}))
    directory = project(f"hello {name}", hello_source())
    run("sh", "-c", 'eval "$CC hello.c -o hello $(pkg-config --cflags --libs ferry)"', cwd=directory,
        env=surroundings)
    command, = root.rglob("bin/ferry")
    run_hello(directory / "hello", command, surroundings)
    use_cmake(directory, root, libdir, command, surroundings)


def use_cmake(directory, root, libdir, command, surroundings):
    if not shutil.which("cmake"):
        return
    (directory / "CMakeLists.txt").write_text("""
cmake_minimum_required(VERSION 3.13)
project(hello C)
find_package(ferry REQUIRED)
add_executable(hello hello.c)
target_link_libraries(hello ferry::ferry)
""", encoding="utf-8")
    run("cmake", "-G", "Ninja", "-S", ".", "-B", "build", f"-Dferry_DIR={libdir}/cmake/ferry",
        cwd=directory, env=surroundings)
    run("cmake", "--build", "build", cwd=directory)
    run_hello(directory / "build/hello", command, surroundings)


def plant_plugin(libdir):
    """A file that is no plug-in, where plug-ins belong: the command names it if it looks there."""
    place = libdir / "ferry/bench"
    place.mkdir(parents=True)
    (place / "planted.so").write_text("no library", encoding="utf-8")


def expect_plugin(root):
    command, = root.rglob("bin/ferry")
    said = run(command, "bench", "--list", env=environment(FERRY_BENCH_PLUGINS=""))
    assert "planted.so" in said, f"the command looks for plug-ins elsewhere:\n{said}"


def works_in_a_prefix_of_its_own():
    prefix = SCRATCH / "opt/ferry"
    configure(prefix=prefix, libdir="lib64")
    install()
    use("own prefix", prefix, prefix / "lib64", sysroot=False)
    plant_plugin(prefix / "lib64")
    expect_plugin(prefix)
    shutil.rmtree(prefix / "lib64/ferry")


def expect_empty(directory):
    tap.expect_none(f"{path}: left behind" for path in sorted(below(directory)))


def uninstalling_leaves_nothing():
    prefix = SCRATCH / "opt"
    expect_failure(expect_empty, prefix, said="libferry.so") # it is there, and would be seen
    run("ninja", "-C", BUILD, "uninstall")
    expect_empty(prefix)


def uninstalling_leaves_what_others_put_there():
    install()
    other = SCRATCH / "opt/ferry/include/other.h"
    other.touch()
    run("ninja", "-C", BUILD, "uninstall")
    assert below(SCRATCH / "opt") == {"ferry", "ferry/include", "ferry/include/other.h"}


def works_with_a_multiarch_libdir_and_a_destdir():
    configure(prefix="/usr", libdir="lib/x86_64-linux-gnu")
    root = SCRATCH / "root"
    install(root)
    outside = [path for path in below(root) if not path.startswith("usr")]
    assert not outside, outside
    libdir = root / "usr/lib/x86_64-linux-gnu"
    use("multiarch", root, libdir, sysroot=True)
    plant_plugin(libdir)
    expect_plugin(root)


def works_with_libraries_outside_of_the_prefix():
    root, libdir = SCRATCH / "programs", SCRATCH / "outside/lib"
    configure(prefix=root, libdir=libdir)
    install()
    use("outside", root, libdir, sysroot=False)
    plant_plugin(libdir)
    expect_plugin(root)


def installed_library_has_its_soname_and_no_path_of_its_own():
    library, = (SCRATCH / "root").rglob("libferry.so.0.*")
    said = run("readelf", "-d", library)
    assert re.search(r"SONAME.*\[libferry\.so\.0\]", said), said
    for path in (library, *(SCRATCH / "root").rglob("bin/ferry")):
        assert not re.search(r"\((RPATH|RUNPATH)\)", run("readelf", "-d", path)), path


tap.run(works_in_a_prefix_of_its_own, uninstalling_leaves_nothing,
        uninstalling_leaves_what_others_put_there, works_with_a_multiarch_libdir_and_a_destdir,
        works_with_libraries_outside_of_the_prefix,
        installed_library_has_its_soname_and_no_path_of_its_own)

#!/usr/bin/env python3
"""The Debian packages: built from the source package, judged by lintian, installed into a scratch
root, used there, and removed without a trace.

usage: debian.py SOURCE_ROOT
"""

import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import abi
import tap
from scratch import SCRATCH, SOURCE, below, copy_source, environment, expect_failure, need, run, \
    source_files

PACKAGES = ["ferry", "ferry-bench-peers", "libferry-dev", "libferry0"]
ROOT = SCRATCH / "root"
THOROUGH = bool(os.environ.get("FERRY_TEST_THOROUGH"))

# ---- Building --------------------------------------------------------------------------------------


# Optimising twice as long shows nothing about packages.
FLAGS = {} if THOROUGH else {f"DEB_{kind}FLAGS_APPEND": "-O1 -g0" for kind in ("C", "CXX")}


def build_environment():
    # The tests of this build run elsewhere; packages of debug symbols are nothing of our own.
    return environment(DEB_BUILD_OPTIONS="nocheck noautodbgsym", LC_ALL="C.UTF-8", **FLAGS)


def need_what_builds():
    need("dpkg-buildpackage", "dpkg-checkbuilddeps", "dh", "fakeroot")
    check = subprocess.run(["dpkg-checkbuilddeps"], cwd=SOURCE, text=True, stderr=subprocess.PIPE,
                           check=False)
    if check.returncode != 0:
        raise tap.Skip(" ".join(check.stderr.split()))


def build_source(directory):
    """The source package of what git tracks; its .dsc."""
    run("dpkg-buildpackage", "-S", "-us", "-uc", cwd=copy_source(directory / "tree"),
        env=build_environment())
    dsc, = directory.glob("*.dsc")
    return dsc


def build_binaries(dsc, directory):
    """The packages, built from the source package alone."""
    directory.mkdir(exist_ok=True)
    run("dpkg-source", "-x", dsc, directory / "unpacked")
    run("dpkg-buildpackage", "-b", "-us", "-uc", cwd=directory / "unpacked", env=build_environment())
    return sorted(directory.glob("*.deb"))


@functools.lru_cache
def attempt():
    try:
        need_what_builds()
        directory = SCRATCH / "build"
        build_binaries(build_source(directory), directory)
        return directory
    except (AssertionError, tap.Skip) as reason:
        return reason


def built():
    """The directory with source package, packages and the tree that they were built in."""
    result = attempt()
    if isinstance(result, Exception):
        raise result
    return result


def package(name):
    deb, = built().glob(f"{name}_*.deb")
    return deb


def source_package_and_packages_build():
    names = sorted(deb.name.split("_")[0] for deb in built().glob("*.deb"))
    assert names == PACKAGES, names


def source_package_is_what_git_tracks():
    archive, = built().glob("*.tar.*")
    with tarfile.open(archive) as tar:
        there = {str(pathlib.Path(*pathlib.Path(member.name).parts[1:]))
                 for member in tar if not member.isdir()}
    ours = {str(path) for path in source_files() if path.name != ".gitignore"}
    tap.expect_none(abi.differences(there, "the source package", ours, "the tree"))


# ---- Lintian ---------------------------------------------------------------------------------------


def expect_no_error(*files):
    """Fails with lintian's errors; what else it says is shown."""
    need("lintian")
    said = subprocess.run(["lintian", "--no-cfg", "--allow-root", "--fail-on=none", *files], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout
    print("".join(f"# {line}\n" for line in said.splitlines()), end="")
    tap.expect_none(line for line in said.splitlines() if line.startswith("E: "))


def lintian_finds_no_error():
    expect_no_error(*built().glob("*.changes"))


def planted_lintian_error_is_found():
    spoiled = SCRATCH / "spoiled"
    run("dpkg-deb", "-R", package("libferry0"), spoiled)
    next(spoiled.rglob("copyright")).unlink()
    run("dpkg-deb", "--root-owner-group", "-b", spoiled, SCRATCH / "spoiled.deb")
    expect_failure(expect_no_error, SCRATCH / "spoiled.deb", said="no-copyright-file")


# ---- The list of symbols ---------------------------------------------------------------------------


def check_symbols(path):
    run("dpkg-gensymbols", "-plibferry0", "-Pdebian/libferry0", f"-I{path}", "-c4", "-O/dev/null",
        cwd=built() / "unpacked")


def list_of_symbols_is_the_librarys():
    check_symbols("debian/libferry0.symbols")
    library = next((built() / "unpacked/debian/libferry0").rglob("libferry.so.0"))
    tap.expect_none(abi.differences(abi.exported(library), "the packaged library",
                                    abi.listed(SOURCE), "tests/abi/symbols.txt"))


def planted_symbols_are_found():
    lines = (SOURCE / "debian/libferry0.symbols").read_text(encoding="utf-8").splitlines()
    changed = SCRATCH / "changed.symbols"
    changed.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    expect_failure(check_symbols, changed, said=lines[-1].split("@")[0])
    changed.write_text("\n".join([*lines, " ferry_planted@FERRY_0 0.0.1"]) + "\n", encoding="utf-8")
    expect_failure(check_symbols, changed, said="ferry_planted")


# ---- In a root of their own ------------------------------------------------------------------------


def dpkg(*arguments):
    """In the scratch root, whatever this machine's dpkg was told to leave out or where to log."""
    run(*(["fakeroot"] if os.geteuid() != 0 else []), "dpkg", f"--root={ROOT}",
        f"--log={SCRATCH}/dpkg.log", "--force-not-root", "--force-depends", "--path-include=*",
        *arguments, env=environment(PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin", LC_ALL="C.UTF-8"))


def unowned():
    """What lies in the root besides dpkg's own records."""
    return {path for path in below(ROOT) if not path.startswith("var") and path not in ("usr", "etc")}


def libraries():
    return next(ROOT.rglob("libferry.so.0")).parent


def surroundings():
    """As if the scratch root were the root."""
    return environment(
        PATH=f"{ROOT}/usr/bin:{os.environ['PATH']}", LD_LIBRARY_PATH=str(libraries()),
        PKG_CONFIG_PATH=f"{libraries()}/pkgconfig", PKG_CONFIG_SYSROOT_DIR=str(ROOT),
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1", PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
        AUTOPKGTEST_TMP=str(SCRATCH / "autopkgtest"))


def packages_install_into_a_root():
    debs = [package(name) for name in PACKAGES]
    for directory in ("info", "updates", "triggers"):
        (ROOT / "var/lib/dpkg" / directory).mkdir(parents=True)
    (ROOT / "var/lib/dpkg/status").touch()
    dpkg("--install", *debs)
    said = run(ROOT / "usr/bin/ferry", "--version")
    assert run("dpkg-deb", "-f", package("ferry"), "Version").strip() in said, said


def every_manual_page_is_there():
    built()
    pages = [f"man{section}/{page.name}" for section in "137"
             for page in (SOURCE / f"docs/man{section}").glob(f"*.{section}")]
    assert pages
    tap.expect_none(f"{page}: not installed" for page in pages
                    if not (ROOT / "usr/share/man" / f"{page}.gz").exists())


def packages_own_tests_pass_from_there():
    built()
    (SCRATCH / "autopkgtest").mkdir()
    tests = re.findall(r"^Tests: (\w+)$", (SOURCE / "debian/tests/control").read_text(encoding="utf-8"),
                       re.MULTILINE)
    assert tests
    for name in tests:
        run(SOURCE / "debian/tests" / name, cwd=SOURCE, env=surroundings())


def planted_damage_is_found_by_the_packages_own_tests():
    built()
    tests, plugin = SOURCE / "debian/tests", next(ROOT.rglob("zeromq.so"))
    plugin.rename(plugin.with_suffix(".away"))
    expect_failure(lambda: run(tests / "bench", cwd=SOURCE, env=surroundings()),
                   said="ZeroMQ is not there")
    plugin.with_suffix(".away").rename(plugin)


def programs_depend_on_what_they_were_built_with():
    built()
    said = run("dpkg-shlibdeps", "-O", f"-l{libraries()}", "-S../unpacked/debian/libferry0",
               f"{SCRATCH}/autopkgtest/hello", cwd=built() / "unpacked")
    assert "libferry0 (>= 0.1.0), libferry0 (<< 0.2~)" in said, said


def program_needs_the_librarys_package_alone():
    built()
    dpkg("--purge", "libferry-dev", "ferry-bench-peers", "ferry")
    library = run("ldd", SCRATCH / "autopkgtest/hello", env=surroundings())
    assert f"libferry.so.0 => {ROOT}" in library, library
    assert not (ROOT / "usr/bin").exists() and not (ROOT / "usr/include").exists()
    with_root = {**surroundings(), "FERRY_ROOT": str(SCRATCH)}
    assert run(SCRATCH / "autopkgtest/hello", env=with_root) == "hello, visitor 1\n"


def expect_nothing_left():
    tap.expect_none(f"{path}: left behind" for path in sorted(unowned()))


def purge_leaves_nothing():
    built()
    expect_failure(expect_nothing_left, said="libferry.so.0") # it is there, and would be seen
    dpkg("--purge", "libferry0")
    expect_nothing_left()


# ---- The same from the same ------------------------------------------------------------------------


def packages_are_the_same_when_built_elsewhere():
    if not THOROUGH:
        raise tap.Skip("a second build, and a long one; FERRY_TEST_THOROUGH=1 makes it")
    # No blank in the name: dpkg-buildflags would not hide the path from the debug information.
    elsewhere = SCRATCH / "a-longer-way-off"
    dsc, = built().glob("*.dsc")
    again = build_binaries(dsc, elsewhere)
    tap.expect_none(f"{deb.name}: other bytes than the first time" for deb in again
                    if digest(deb) != digest(built() / deb.name))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


tap.run(source_package_and_packages_build, source_package_is_what_git_tracks, lintian_finds_no_error,
        planted_lintian_error_is_found, list_of_symbols_is_the_librarys, planted_symbols_are_found,
        packages_install_into_a_root, every_manual_page_is_there, packages_own_tests_pass_from_there,
        planted_damage_is_found_by_the_packages_own_tests,
        programs_depend_on_what_they_were_built_with, program_needs_the_librarys_package_alone,
        purge_leaves_nothing, packages_are_the_same_when_built_elsewhere)

"""A scratch directory, and what the install tests do in it: run programs, copy this tree, compile
README's first program and see that it works."""

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

# No space in the path: pkg-config does not quote its sysroot.  The programs' directories have one.
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="ferry-install-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

# The quickest build that has everything.
QUICK = ["--buildtype=debug", "-Dwarning_level=0", "-Dtests=false", "-Dpeers=disabled"]


def run(*command, **options):
    """Runs a command; a failure carries all that it printed."""
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise AssertionError(f"{words}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def expect_failure(check, *arguments, said):
    """The check fails, and says this among other things; otherwise it could not see a real fault."""
    try:
        check(*arguments)
    except AssertionError as failure:
        assert said in str(failure), f"it failed, but for another reason:\n{failure}"
    else:
        raise AssertionError(f"the fault was not seen: {said}")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise tap.Skip(f"{program} is not installed")


def environment(**more):
    """The caller's, without what would lead compilers to other libraries."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PKG_CONFIG")},
            "CC": os.environ.get("CC", "cc"), "CXX": os.environ.get("CXX", "c++"), **more}


def source_files():
    """What belongs to the tree, as git says; of an unpacked archive it is everything."""
    if (SOURCE / ".git").exists() and shutil.which("git"):
        names = run("git", "-c", f"safe.directory={SOURCE}", "-C", SOURCE, "ls-files", "-z").split("\0")
        return [pathlib.Path(name) for name in names if name and (SOURCE / name).is_file()]
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*")
             if path.is_file() and not path.is_symlink()]
    return [path for path in files if not path.parts[0].startswith(("build", "obj-", ".git"))]


def copy_source(destination):
    for path in source_files():
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / path, destination / path)
    return destination


def below(directory):
    """Everything below a directory, as relative paths."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


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


def needed_libraries(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


def run_hello(program, command, surroundings):
    """It works, twice in the same root, and the command sees what it did."""
    with tempfile.TemporaryDirectory(prefix="ferry-install-", dir="/dev/shm") as root:
        here = {**surroundings, "FERRY_ROOT": root}
        for visit in (1, 2):
            said = run(program, env=here)
            assert said == f"hello, visitor {visit}\n", said
        assert "visitors" in run(command, "ls", env=here)

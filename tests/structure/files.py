#!/usr/bin/env python3
"""How the files look: not too long, formatted, scripts that shellcheck likes, numbers that were measured.

usage: files.py SOURCE_ROOT
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap

ROOT = pathlib.Path(sys.argv[1])

LONGEST = 600          # lines in a file of src/ or bench/; past that there is a second idea in it
CLANG_FORMAT = "14"    # other versions lay out some things differently
FOLDERS = ["include", "src", "tests", "examples", "bench"]


def c_files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.[ch]"))


def too_long(name, lines):
    return [f"{name}: {lines} lines, more than {LONGEST}"] if lines > LONGEST else []


def no_source_file_holds_a_second_idea():
    tap.expect_none(fault for path in c_files("src", "bench")
                    for fault in too_long(path.relative_to(ROOT),
                                          path.read_text(encoding="utf-8").count("\n")))


def formatting_is_clang_formats():
    if not shutil.which("clang-format"):
        raise tap.Skip("clang-format is not installed")
    version = subprocess.run(["clang-format", "--version"], text=True, stdout=subprocess.PIPE,
                             check=True).stdout
    major = re.search(r"version (\d+)", version).group(1)
    if major != CLANG_FORMAT:
        raise tap.Skip(f"the code is formatted with clang-format {CLANG_FORMAT}, not {major}")
    check = subprocess.run(["clang-format", "--dry-run", *map(str, c_files(*FOLDERS))], text=True,
                           stderr=subprocess.PIPE, cwd=ROOT, check=True)
    places = re.findall(r"^(\S+?:\d+):\d+: warning", check.stderr, re.MULTILINE)
    tap.expect_none(f"{place}: not as clang-format has it" for place in dict.fromkeys(places))


def shell_scripts():
    folders = [ROOT / "tests", ROOT / "debian/tests"]
    for path in [ROOT / "quickstart", ROOT / ".ci/run",
                 *sorted(path for folder in folders for path in folder.rglob("*"))]:
        if path.is_file() and re.match(rb"#!\S*/(env )?(ba)?sh\b", path.read_bytes()[:40]):
            yield str(path)


def scripts_pass_shellcheck():
    if not shutil.which("shellcheck"):
        raise tap.Skip("shellcheck is not installed")
    check = subprocess.run(["shellcheck", "-f", "gcc", *shell_scripts()], text=True,
                           stdout=subprocess.PIPE, cwd=ROOT, check=False)
    tap.expect_none(check.stdout.splitlines())


def numbers_check(*readmes):
    return subprocess.run([sys.executable, ROOT / "bench/numbers.py", "--check", ROOT / "docs/numbers.json",
                           *readmes], text=True, stderr=subprocess.PIPE, check=False)


def numbers_in_the_readmes_are_those_of_the_saved_run():
    check = numbers_check(ROOT / "README.md", ROOT / "README.zh-CN.md")
    tap.expect_none(check.stderr.splitlines())
    assert check.returncode == 0


def planted_number_is_found():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder) / "README.md"
        other.write_text(text.replace(" ns ", " ps "), encoding="utf-8")
        assert "README.md" in numbers_check(other).stderr


def planted_long_file_is_found():
    assert too_long("x", LONGEST + 1) and not too_long("x", LONGEST)


tap.run(no_source_file_holds_a_second_idea, formatting_is_clang_formats, scripts_pass_shellcheck,
        planted_long_file_is_found, numbers_in_the_readmes_are_those_of_the_saved_run,
        planted_number_is_found)

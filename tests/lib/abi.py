"""What a library exports, and what tests/abi/symbols.txt says that it should."""

import subprocess


def exported(library):
    """The dynamic symbols that the library defines, without the name of the version itself."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    fields = [line.split() for line in lines]
    return {name.split("@")[0] for *_, kind, name in fields if kind != "A"}


def list_path(source):
    return source / "tests/abi/symbols.txt"


def listed(source):
    return {line for line in list_path(source).read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")}


def differences(one, one_name, other, other_name):
    for name in sorted(one - other):
        yield f"{name}: in {one_name}, not in {other_name}"
    for name in sorted(other - one):
        yield f"{name}: in {other_name}, not in {one_name}"

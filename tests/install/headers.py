#!/usr/bin/env python3
"""Every public header by itself, in C and C++, old and new, for both compilers.

usage: headers.py SOURCE_ROOT LIBRARY
"""

import pathlib
import shutil
import sys

import abi
import tap
from scratch import SCRATCH, SOURCE, expect_failure, need, run

LIBRARY = pathlib.Path(sys.argv[2])
INCLUDE = SOURCE / "include"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

C = ["-xc", ["c99", "c11", "c17", "c2x"]]
CXX = ["-xc++", ["c++11", "c++14", "c++17", "c++20"]]


def compile_headers(compiler, language, standards, include=INCLUDE):
    """Each header twice in a file of its own: it needs nothing before it and minds no second time."""
    need(compiler)
    headers = sorted(path.relative_to(include).as_posix() for path in include.rglob("*.h"))
    assert headers, f"no headers in {include}"
    source = SCRATCH / "header"
    for header in headers:
        line = f"#include <{header}>\n"
        source.write_text(line + line + "int nothing_else;\n", encoding="utf-8")
        for standard in standards:
            run(compiler, language, f"-std={standard}", *STRICT, f"-I{include}", "-fsyntax-only", source)


def headers_are_c_for_gcc():
    compile_headers("gcc", *C)


def headers_are_c_for_clang():
    compile_headers("clang", *C)


def headers_are_cxx_for_gcc():
    compile_headers("g++", *CXX)


def headers_are_cxx_for_clang():
    compile_headers("clang++", *CXX)


def planted(name, text):
    """The headers with one more."""
    include = SCRATCH / name
    shutil.copytree(INCLUDE, include)
    (include / "ferry/planted.h").write_text(text, encoding="utf-8")
    return include


def planted_header_that_is_not_cxx_is_found():
    include = planted("not C++", "int ferry_planted(int class);\n")
    compile_headers("gcc", *C, include)
    expect_failure(compile_headers, "g++", *CXX, include, said="ferry/planted.h")


def planted_header_that_leans_on_another_is_found():
    include = planted("leaning", "size_t ferry_planted(void);\n")
    expect_failure(compile_headers, "gcc", *C, include, said="size_t")


def planted_header_that_is_too_new_is_found():
    include = planted("too new", "enum ferry_planted : int { FERRY_PLANTED };\n")
    expect_failure(compile_headers, "gcc", *C, include, said="ferry/planted.h")


def link_with_every_function(compiler, include=INCLUDE):
    """A program in C++ that asks the library for each function that it exports."""
    need(compiler)
    table = "".join(f"    reinterpret_cast<void (*)()>({name}),\n"
                    for name in sorted(abi.listed(SOURCE)))
    source = SCRATCH / "every.cc"
    source.write_text("#include <ferry/ferry.h>\n"
                      f"void (*volatile every[])() = {{\n{table}}};\n"
                      "int main() { return every[0] == nullptr; }\n", encoding="utf-8")
    run(compiler, "-std=c++11", *STRICT, f"-I{include}", source, LIBRARY, "-o", SCRATCH / "every")
    run(SCRATCH / "every", env={"LD_LIBRARY_PATH": str(LIBRARY.parent)})


def cxx_program_reaches_every_function():
    for compiler in ("g++", "clang++"):
        link_with_every_function(compiler)


def planted_header_without_c_linkage_is_found():
    include = planted("not extern C", "")
    path = include / "ferry/inspect.h"
    text = path.read_text(encoding="utf-8")
    assert "FERRY_BEGIN" in text
    path.write_text(text.replace("FERRY_BEGIN\n", "").replace("FERRY_END\n", ""), encoding="utf-8")
    compile_headers("g++", *CXX, include)
    expect_failure(link_with_every_function, "g++", include, said="undefined reference")


tap.run(headers_are_c_for_gcc, headers_are_c_for_clang, headers_are_cxx_for_gcc,
        headers_are_cxx_for_clang, planted_header_that_is_not_cxx_is_found,
        planted_header_that_leans_on_another_is_found, planted_header_that_is_too_new_is_found,
        cxx_program_reaches_every_function, planted_header_without_c_linkage_is_found)

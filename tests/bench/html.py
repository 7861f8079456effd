#!/usr/bin/env python3
"""The report's page: whole, safe whatever a side is called, and honest about what has no figure.

usage: html.py PAGE FERRY
PAGE turns a saved run into a page, FERRY is the command.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import tap

PAGE, FERRY = sys.argv[1:3]
HOSTILE = "<script>alert('1')</script>&\"\u001b[2J\u202e]]>--><!--"


def row(side, cost, family="kernel", **more):
    figures = {"low": cost * 0.9, "median": cost, "high": cost * 1.1}
    return {"side": side, "family": family, "how": None, "cost": cost, "low": figures["low"],
            "high": figures["high"], "to_floor": figures, "to_kernel": None, "cpu_ns": cost,
            "sleeps": 1, "rounds": [cost] * 3, **more}


def without(side, unavailable):
    return {"side": side, "family": "peer", "how": None, "unavailable": unavailable,
            "trouble": "no elephant"}


def series(rows, **more):
    return {"name": "wake", "title": "wake up", "about": "Nothing is carried.",
            "placement": "two cores", "measure": "time", "size_bytes": 64, "floor": "futex",
            "kernel": "pipe", "others": 0, "stolen": 0, "rows": rows, "bars": [], **more}


def run(*all_series, **more):
    machine = {"processor": "P", "system": "S", "note": "N", "cpus": 2, "used": [0, 1],
               "siblings": False, "has_pair": True, "can_keep_awake": False}
    return {"format": 1, "ferry": "1.2.3", "when": "W", "machine": machine, "quick": False,
            "rounds": 3, "series": list(all_series), "missing": [], "warnings": [], **more}


def page(saved):
    done = subprocess.run([PAGE], input=json.dumps(saved).encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8")


def parse(text):
    return xml.etree.ElementTree.fromstring(text)


def text_of(element):
    return "".join(element.itertext())


SIDES = [row("futex", 100, "floor"), row("pipe", 12345), row("notice", 678, "ferry")]


def page_is_well_formed_and_named():
    root = parse(page(run(series(SIDES))))
    assert root.tag == "html" and root.get("lang") == "en" and root.findtext("head/title")
    for chart in root.iter("svg"):
        assert chart.get("aria-hidden") or (chart.get("role") == "img" and chart.get("aria-label"))


def nothing_comes_from_elsewhere_and_nothing_runs():
    text = page(run(series(SIDES)))
    tap.expect_none(found for found in re.findall(r"https?:|//\w|@import|url\([^#)]*\)|<script|<link|"
                                                  r"\bon\w+=", text))
    references = [value for element in parse(text).iter() for name, value in element.items()
                  if name in ("href", "src")]
    assert references and all(value.startswith("#") for value in references), references


def references_within_the_page_lead_somewhere():
    root = parse(page(run(series(SIDES), series(SIDES, placement="one core"),
                          series(SIDES, name="tell"))))
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names)), names
    wanted = {element.get("href")[1:] for element in root.iter() if element.get("href")}
    wanted |= {element.get("aria-labelledby") for element in root.iter()} - {None}
    tap.expect_none(wanted - set(names))


def hostile_strings_stay_text():
    bar = {"side": HOSTILE, "than": HOSTILE, "at_most": 1, "found": 2, "met": False}
    hostile = series([row(HOSTILE, 100, how=HOSTILE), without(HOSTILE, True)], name=HOSTILE,
                     title=HOSTILE, about=HOSTILE, placement=HOSTILE, floor=HOSTILE, bars=[bar])
    text = page(run(hostile, missing=[HOSTILE], warnings=[HOSTILE] * 9, when=HOSTILE))
    root = parse(text)
    assert "<script" not in text and "<!--" not in text and "\u001b" not in text
    assert "\u202e" not in text and "\\x1b[2J" in text_of(root)
    assert "<script>alert('1')</script>&\"" in text_of(root)


def every_figure_is_there():
    root = parse(page(run(series(SIDES))))
    for element in (next(root.iter("figure")), next(root.iter("details"))):
        for words in ("100 ns", "12.3 µs", "678 ns"):
            assert words in text_of(element), words


def rates_are_told_as_rates():
    text = text_of(parse(page(run(series(SIDES, measure="rate")))))
    assert "longer is better" in text and "10.0 M/s" in text and "shorter" not in text


def wide_spans_are_logarithmic_and_say_so():
    assert "Logarithmic" in page(run(series(SIDES)))
    assert "Logarithmic" not in page(run(series([row("a", 100), row("b", 1000)])))


def side_without_figures_has_no_bar_and_no_number():
    sides = [*SIDES, without("gone", True), without("broken", False)]
    root = parse(page(run(series(sides))))
    bars = [rect for rect in root.iter("rect") if rect.get("class") == "bar"]
    assert len(bars) == len(SIDES), len(bars)
    lines = {line.find("th").find("svg").tail.strip(): line for line in root.iter("tr")
             if line.find("th") is not None and line.find("th").find("svg") is not None}
    assert text_of(lines["gone"].find("td")) == "not to be had here: no elephant"
    assert text_of(lines["broken"].find("td")) == "failed: no elephant"
    tap.expect_none(name for name in ("gone", "broken") if len(lines[name].findall("td")) != 1)


def nothing_measured_is_still_a_page():
    parse(page(run()))
    parse(page(run(series([]))))
    parse(page(run(series([without("gone", True)]), series([row("zero", 0)], measure="count"))))


def bars_are_counted_and_the_missed_ones_come_first():
    bars = [{"side": "notice", "than": "futex", "at_most": 9, "found": 6.78, "met": True},
            {"side": "notice", "than": None, "at_most": 50, "found": 678, "met": False}]
    text = text_of(parse(page(run(series(SIDES, bars=bars)))))
    assert "1 of 2 met" in text and text.index("✗ not met") < text.index("✓ met")


# ---- The command --------------------------------------------------------------------------------


def bench(*arguments, small=False):
    """The saved run's page by the command; `small` lets no file grow."""
    def prepare():
        if small:
            import resource
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as saved:
        json.dump(run(series(SIDES)), saved)
        saved.flush()
        done = subprocess.run([FERRY, "bench", "--from", saved.name, *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              preexec_fn=prepare)
    return done


def file_is_written_and_replaced():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "r.html")
        for _ in range(2):
            done = bench("--html", str(path))
            assert done.returncode == 0 and done.stderr == "" and "678 ns" in done.stdout, done
            parse(path.read_text(encoding="utf-8"))
        assert os.listdir(directory) == ["r.html"], os.listdir(directory)


def dash_is_standard_output_and_nothing_else_goes_there():
    done = bench("--html", "-")
    assert done.returncode == 0
    parse(done.stdout)
    assert bench("--html", "-", "--json").returncode == 2


def full_disk_is_one_clear_line():
    done = bench("--html", "/dev/full")
    assert done.returncode == 1 and "make room" in done.stderr, done
    assert done.stderr.count("\n") == 1 and pathlib.Path("/dev/full").is_char_device(), done


def older_file_stays_when_writing_fails():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "r.html")
        path.write_text("older", encoding="utf-8")
        done = bench("--html", str(path), small=True)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done
        assert path.read_text(encoding="utf-8") == "older"
        assert os.listdir(directory) == ["r.html"], os.listdir(directory)


def symbolic_link_stays_one_and_the_mode_is_kept():
    with tempfile.TemporaryDirectory() as directory:
        path, link = pathlib.Path(directory, "r.html"), pathlib.Path(directory, "link")
        path.write_text("older", encoding="utf-8")
        path.chmod(0o640)
        link.symlink_to("r.html")
        assert bench("--html", str(link)).returncode == 0
        assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
        parse(path.read_text(encoding="utf-8"))


def directory_that_is_not_there_is_named():
    done = bench("--html", "/no/such/place.html")
    assert done.returncode == 1 and "make its directory first" in done.stderr, done


tap.run(page_is_well_formed_and_named, nothing_comes_from_elsewhere_and_nothing_runs,
        references_within_the_page_lead_somewhere, hostile_strings_stay_text, every_figure_is_there,
        rates_are_told_as_rates, wide_spans_are_logarithmic_and_say_so,
        side_without_figures_has_no_bar_and_no_number, nothing_measured_is_still_a_page,
        bars_are_counted_and_the_missed_ones_come_first, file_is_written_and_replaced,
        dash_is_standard_output_and_nothing_else_goes_there, full_disk_is_one_clear_line,
        older_file_stays_when_writing_fails, symbolic_link_stays_one_and_the_mode_is_kept,
        directory_that_is_not_there_is_named)

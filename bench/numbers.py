#!/usr/bin/env python3
"""The table of figures in README.md and README.zh-CN.md, from a saved run of the bench.

usage: numbers.py RUN.json            prints the table (--chinese: in Chinese)
       numbers.py RUN.json README…    puts it between <!-- numbers --> and <!-- /numbers -->
       numbers.py --check RUN.json README…    says which of them has another table
"""

import json
import pathlib
import sys

# Experiment, Ferry's side, and what it is called.
ROWS = [
    ("wake", "segment notice", "a notice there and back", "通知一个来回"),
    ("message-64", "segment notice", "64 bytes and a notice, there and back", "64 字节加通知，一个来回"),
    ("tell", "segment notice", "a notice that nobody waits for", "无人等待的通知"),
    ("message-64-spin", "ferry pipe", "64 bytes through pipes, there and back, spinning", "64 字节经管道一个来回（自旋）"),
    ("message-64", "ferry pipe", "the same, as they wait by themselves", "同上，默认等待"),
    ("one-way-64", "ferry pipe", "64-byte writes through a pipe", "管道，每次写 64 字节"),
    ("two-writers", "ferry pipe", "the same, of two writers", "同上，两个写者"),
    ("stream-4k", "ferry pipe", "4 KiB pieces through a pipe", "管道，每块 4 KiB"),
    ("stream-64k", "ferry pipe", "64 KiB pieces", "每块 64 KiB"),
    ("stream-1m", "ferry pipe", "1 MiB pieces", "每块 1 MiB"),
    ("message-64-spin", "ferry queue", "64 bytes through queues, there and back, spinning", "64 字节经消息队列一个来回（自旋）"),
    ("message-64", "ferry queue", "the same, as they wait by themselves", "同上，默认等待"),
    ("message-64", "ferry queue by loan, 1 MiB", "1 MiB by loan, there and back", "借用方式交付 1 MiB，一个来回"),
    ("one-way-64", "ferry queue", "64-byte messages through a queue", "消息队列，每条 64 字节"),
    ("four-senders", "ferry queue", "the same, of four senders", "同上，四个发送者"),
    ("many-to-many", "ferry queue", "the same, of four senders to four receivers", "同上，四个发送者到四个接收者"),
    ("typed-64", "ferry queue typed", "64-byte messages chosen by type", "按类型选取的 64 字节消息"),
    ("priority-64", "ferry queue priority", "64-byte messages by priority", "按优先级的 64 字节消息"),
    ("by-type", "ferry queue typed, 10 waiting", "receive by type from 10 that wait, and send again",
     "从 10 条等待的消息中按类型接收，再发回"),
    ("by-type", "ferry queue typed, 100,000 waiting", "the same from 100,000", "同上，100,000 条"),
    ("idle", "segment notice", "wake-ups of an idle waiter in 10 s", "空闲等待者 10 秒内的唤醒次数"),
    ("idle", "ferry pipe", "wake-ups of an idle reader of a pipe in 10 s", "空闲管道读者 10 秒内的唤醒次数"),
    ("idle", "ferry queue", "wake-ups of an idle receiver of a queue in 10 s", "空闲队列接收者 10 秒内的唤醒次数"),
    ("lock-pair", "segment lock", "lock and unlock, alone", "加锁并解锁，无竞争"),
    ("lock-contest", "segment lock", "a turn of two that both want the lock", "两个进程争锁，每次持有"),
    ("take-over", "segment lock", "from the owner's kill -9 to the next one's lock", "持锁者被 kill -9 到下一个得锁"),
    ("create", "segment", "create a named segment", "创建有名段"),
    ("attach", "segment", "attach to it", "附着"),
    ("detach", "segment", "detach", "脱离"),
    ("remove", "segment", "remove it", "删除"),
]

# What a side stands beside, where that is not the experiment's own choice.
BESIDE = {
    "ferry pipe": "pipe",
    "ferry queue": "System V queue",
    "ferry queue by loan, 1 MiB": "System V queue",
    "ferry queue typed, 100,000 waiting": "System V queue, 100,000 waiting",
}

PLACES = {"two cores": "双核", "one core": "单核", "two cores kept awake": "双核不休眠", "one process": "单进程"}

HEADINGS = (
    "| what | where | Ferry | × the floor | the kernel's own | ",
    "| 项目 | 位置 | Ferry | 与下限之比 | 内核自身 |",
)

ABOUT = (
    "{processor}, {system}, {rounds} rounds, {when}; median ± half the middle half. `ferry bench` makes these, "
    "[docs/numbers.json](docs/numbers.json) has all of this run, with the other libraries'; `ferry bench --from "
    "docs/numbers.json` shows it.",
    "{processor}，{system}，{rounds} 轮，{when}；中位数 ± 四分位距之半。由 `ferry bench` 测得；整次运行（含其他库）见 "
    "[docs/numbers.json](docs/numbers.json)，用 `ferry bench --from docs/numbers.json` 查看。",
)


def three_digits(value, units, step=1000):
    """As bench/words.c has it."""
    for unit in units[:-1]:
        if value < step * 0.9995:
            break
        value /= step
    else:
        unit = units[-1]
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}".strip()


def cost(series, row):
    if series["measure"] == "count":
        return f"{row['cost']:.0f}"
    if series["measure"] == "rate":
        return three_digits(1e9 / row["cost"], ["/s", "k/s", "M/s", "G/s"])
    if series["measure"] == "flow":
        return three_digits(series["size_bytes"] * 1e9 / row["cost"], ["B/s", "kB/s", "MB/s", "GB/s"])
    return three_digits(row["cost"], ["ns", "µs", "ms", "s"])


def spread(row):
    return f"± {100 * (row['high'] - row['low']) / 2 / row['cost']:.0f}%" if row["cost"] else ""


def ratio(row):
    figures = row.get("to_floor")
    if not figures:
        return ""
    value = figures["median"]
    return three_digits(value, [""]) if value >= 0.095 else f"{value:.1g}" if value >= 0.001 else "<0.001"


def line(series, row, kernel, title, place):
    beside = f"{cost(series, kernel)} ({kernel['side']})" if kernel else ""
    own = f"{cost(series, row)} {spread(row)}".strip()
    return f"| {title} | {place} | {own} | {ratio(row)} | {beside} |"


def sound(series, side):
    return next((row for row in series["rows"] if row["side"] == side and "cost" in row), None)


def table(run, chinese):
    lines = [ABOUT[chinese].format(**run["machine"], rounds=run["rounds"], when=run["when"][:10]), "",
             HEADINGS[chinese].strip(), "| --- | --- | --- | --- | --- |"]
    for name, side, *titles in ROWS:
        for series in run["series"]:
            row = sound(series, side)
            if series["name"] != name or row is None:
                continue
            place = PLACES[series["placement"]] if chinese else series["placement"]
            lines.append(line(series, row, sound(series, BESIDE.get(side, series["kernel"])), titles[chinese], place))
    return "\n".join(lines) + "\n"


def with_table(path, run):
    """The text of the file, with the table in its place."""
    before, rest = path.read_text(encoding="utf-8").split("<!-- numbers -->\n", 1)
    after = rest.split("<!-- /numbers -->", 1)[1]
    return f"{before}<!-- numbers -->\n{table(run, 'zh' in path.name)}<!-- /numbers -->{after}"


def main(arguments):
    options = {word for word in arguments if word.startswith("--")}
    files = [pathlib.Path(word) for word in arguments if word not in options]
    if not files or options - {"--check", "--chinese"}:
        sys.exit(__doc__)
    run = json.loads(files[0].read_text(encoding="utf-8"))
    if not files[1:]:
        print(table(run, "--chinese" in options), end="")
    for path in files[1:]:
        if "--check" not in options:
            path.write_text(with_table(path, run), encoding="utf-8")
        elif with_table(path, run) != path.read_text(encoding="utf-8"):
            sys.exit(f"{path.name}: not the table of {files[0].name}; see {sys.argv[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])

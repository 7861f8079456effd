# Messages as records and as JSON, in and out.
. "${0%/*}/lib.bash"

# Records of the arguments.
records()
{
    python3 -c 'import struct, sys
for text in sys.argv[1:]:
    data = text.encode()
    sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)' "$@"
}

records_have_their_sizes_in_front() { # Q1
    records one '' $'two\nlines' >in
    ferry send q --records <in || fail "sending ended with $?"
    json "d['depth_messages'] == 3 and d['depth_bytes'] == 12" ferry show q --json
    ferry receive q --count 3 --records | cmp - in || fail "other bytes came out"
}

any_bytes_are_a_record() { # Q1
    silent ferry new queue q --max 64K
    python3 -c 'import os, struct, sys
for size in [0, 1, 3, 47, 48, 49, 63, 64, 65, 1000, 4095, 4096, 4097, 65535, 65536] * 5:
    sys.stdout.buffer.write(struct.pack("<I", size) + os.urandom(size))' >in
    ferry send q --records <in || fail "sending ended with $?"
    ferry receive q --records --follow --timeout 0 >out || fail "receiving ended with $?"
    cmp in out || fail "other bytes came out"
}

a_torn_record_is_told() { # Q1 U4
    records first second >in
    local cut
    for cut in 10 12 13 18; do
        fails 1 'standard input ends within record 2; those before it were sent' \
            eval "head -c $cut in | ferry send q --records"
        prints first ferry receive q --timeout 0
    done
    silent eval 'ferry send q --records </dev/null'
}

a_record_that_is_too_large_is_told() { # Q4 U4
    silent ferry new queue q --max 100
    fails 1 'record 3 is longer than the largest message of the queue "q", 100 bytes; those before.*ferry new queue q --max 400' \
        eval 'records one two "$(head -c 399 /dev/zero | tr "\0" x)" four | ferry send q --records'
    prints $'one\ntwo' ferry receive q --count 2
    fails 1 'record 1 is longer' eval 'printf "\377\377\377\377" | ferry send q --records'
    fails 3 'no message' ferry receive q --timeout 0
}

a_message_is_a_line_of_json() { # U4
    silent ferry send q hello '"quoted" \back' $'tab\tand\nline' 'grüße €' ''
    works ferry receive q --count 5 --json
    [[ $(wc -l <"$CASE/out") == 5 ]] || fail "$(out)"
    python3 -c 'import json, sys
got = [json.loads(line) for line in open(sys.argv[1])]
assert [m["text"] for m in got] == ["hello", "\"quoted\" \\back", "tab\tand\nline", "grüße €", ""], got
assert all(m["type"] == 0 and m["priority"] == 0 and len(m) == 3 for m in got)' "$CASE/out" ||
        fail "$(out)"
}

what_is_no_utf_8_is_base64() { # U4
    local i
    for i in 0 1 2 3 4 5 6; do
        printf '\377\0\1\n\200x' | head -c "$i" >in.$i
        python3 -c 'import struct, sys
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)' <in.$i | ferry send q --records
    done
    ferry receive q --count 7 --json >got || fail "receiving ended with $?"
    python3 -c 'import base64, json
for i, line in enumerate(open("got")):
    m = json.loads(line)
    data = base64.b64decode(m["base64"], validate=True) if "base64" in m else m["text"].encode()
    assert data == open(f"in.{i}", "rb").read(), (i, m)
    assert ("base64" in m) == (i > 0), m' || fail "$(cat got)"
    ferry send q --json <got || fail "sending ended with $?"
    ferry receive q --count 7 --json | cmp - got || fail "other messages came back"
}

json_goes_in_as_it_comes_out() { # U4
    python3 -c 'import json, random
random.seed(7)
for i in range(2000):
    text = "".join(chr(random.choice([random.randrange(128), random.randrange(0xd800), random.randrange(0xe000, 0x110000)])) for _ in range(random.randrange(60)))
    print(json.dumps({"text": text}, ensure_ascii=i % 2 == 0))' >in
    silent ferry new queue q --messages 2000
    ferry send q --json <in || fail "sending ended with $?"
    ferry receive q --json --count 2000 >out || fail "receiving ended with $?"
    python3 -c 'import json
for a, b in zip(open("in", newline="\n"), open("out", newline="\n"), strict=True):
    assert json.loads(a)["text"] == json.loads(b)["text"], (a, b)' || fail "other texts came out"
}

json_may_be_written_in_other_ways() { # U4
    printf '%s\n' ' { "priority" : 0 , "type":0,"text" : "a\u0062\u00e9\ud83d\ude00\/\n" } ' \
        '{"base64":"aGVsbG8="}' $'{"text":"cr"}\r' '{"base64":""}' | ferry send q --json ||
        fail "sending ended with $?"
    prints $'abé😀/\n\nhello\ncr' ferry receive q --count 4
}

what_is_no_json_is_told() { # U4 G9
    local line
    for line in '' x '{' '{}' '[]' '"text"' '{"text":"a"' '{"text":"a}' '{"text":"a"}}' '{"text":"a"} x' \
        '{"text":a}' '{"text":"a",}' '{"text" "a"}' '{"txt":"a"}' '{"text":"a","text":"b"}' \
        '{"text":"a","base64":"YQ=="}' '{"text":"\x"}' '{"text":"\u12"}' '{"text":"\u123g"}' \
        '{"text":"\ud800"}' '{"text":"\ud800\ud800"}' '{"text":"\udc00"}' '{"text":"\' \
        '{"base64":"YQ="}' '{"base64":"Y==="}' '{"base64":"===="}' '{"base64":"YQ==YQ=="}' '{"base64":"Y*=="}' \
        '{"text":"a","type":-1}' '{"text":"a","type":1.5}' '{"text":"a","type":"1"}' \
        '{"text":"a","type":01}' '{"text":"a","type":}' '{"text":"a","type":18446744073709551616}' \
        '{"text":"a","priority":4294967296}' '{"text":"a","priority":0x1}' $'{"text":"\t"}' '{"type":0}'; do
        fails 1 'line 2 is no message: .*; those before it were sent; write ' \
            ferry_lines '{"text":"first"}' "$line" '{"text":"third"}'
        prints first ferry receive q --timeout 0
        fails 3 . ferry receive q --timeout 0
    done
}

ferry_lines()
{
    printf '%s\n' "$@" | ferry send q --json
}

types_in_json_need_a_queue_with_types() { # Q2 U4
    silent ferry new queue q
    fails 1 'line 1 is no message: it has a type, and the queue has none' \
        ferry_lines '{"text":"a","type":1}'
    fails 1 'line 2 is no message: it has a priority, and the queue has none' \
        ferry_lines '{"text":"a"}' '{"text":"a","priority":1}'
}

a_long_line_of_json_is_told() { # Q4
    silent ferry new queue q --max 10
    fails 1 'line 1 is longer' ferry_lines '{"text":"12345678901"}'
    silent ferry_lines '{"text":"\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038\u0039\u0030"}'
    prints 1234567890 ferry receive q
    fails 1 'line 1 is longer' eval 'head -c 1000000 /dev/zero | tr "\0" " " | ferry send q --json'
}

forms_exclude_one_another() { # U4
    fails 2 'choose one' ferry send q --records --json
    fails 2 'choose one' ferry receive q --records --json
    fails 2 'leave the TEXT out' ferry send q hello --json
    fails 2 'leave the TEXT out' ferry send q hello --records
}

run_cases "$@"

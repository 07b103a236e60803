"""Ways to spoil a file. Each takes a strategy's `draw` and the file's bytes, and may happen to change nothing."""

import json

from hypothesis import strategies as st

# what a file is damaged with: bytes that mean something to one of the readers, and any others
PIECES = st.binary(max_size=3) | st.sampled_from(
    [
        *', | " { } [ ] 0 -1 1.0 1e9 NaN true null ٣ ² \\ud800'.encode().split(),
        *(b" ", b"\n", b"\r", b"\x00", b"\xff", "\u2028".encode(), b"9" * 5000),
    ]
)


def flipped(draw: st.DrawFn, data: bytes) -> bytes:
    """One bit of one byte, or one byte, is another."""
    at = draw(st.integers(0, max(0, len(data) - 1)))
    new = draw(st.integers(0, 7).map(lambda bit: data[at] ^ 1 << bit) | st.integers(0, 255)) if data else 0
    return data[:at] + bytes((new,)) + data[at + 1 :]


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A few bytes are others, more or fewer, mostly such as mean something to a reader."""
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 4)))
    return data[:start] + draw(PIECES) + data[end:]


def line_out(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.split(b"\n")
    del lines[draw(st.integers(0, len(lines) - 1))]
    return b"\n".join(lines)


def line_twice(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines.insert(draw(st.integers(0, len(lines))), lines[draw(st.integers(0, len(lines) - 1))])
    return b"\n".join(lines)


def lines_swapped(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def json_again(draw: st.DrawFn, data: bytes) -> bytes:
    """The same value as JSON, its keys in another order or its bytes laid out in another way."""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    if not isinstance(value, dict):
        return data
    turned = {key: value[key] for key in draw(st.permutations(sorted(value)))}
    style = draw(st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": True}]))
    return json.dumps(turned, **style).encode()


TAMPERINGS = [flipped, damaged, line_out, line_twice, lines_swapped, json_again]

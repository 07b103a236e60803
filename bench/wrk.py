"""Load over HTTP with wrk: the Lua scripts that it runs, and what it says.

Each thread of wrk has its own slice of a file of lines "number,token". Every request is the next line's, so that no two
acts are about the same registration until the slice is through.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

THREADS = 2
RESULT = "result: "

# `request` is called for every request, so it does nothing but put strings together. `again` counts how often the
# slice was gone through before: 0 at first.
_LUA = """
local threads = {}
function setup(thread)
    thread:set("id", #threads)
    table.insert(threads, thread)
end

local mine, at, again = {}, 0, 0
counts = {}
function init(args)
    local i = 0
    for line in io.lines("%(people)s") do
        if i %% %(threads)d == id then
            local number, token = line:match("([^,]*),(.*)")
            mine[#mine + 1] = {number, token}
        end
        i = i + 1
    end
    turns = 0
end

local head = " HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n"
%(make)s

function request()
    at = at + 1
    if at > #mine then
        at, again = 1, again + 1
        turns = again
    end
    return make(mine[at][1], mine[at][2], at, again)
end
%(response)s
function done(summary, latency, requests)
    local turned, by_status = 0, ""
    for _, thread in ipairs(threads) do
        turned = math.max(turned, thread:get("turns"))
        for status, count in pairs(thread:get("told") or {}) do
            by_status = by_status .. status .. "=" .. count .. " "
        end
    end
    local e = summary.errors
    print(string.format('%(result)s{"requests": %%d, "us": %%d, "p50": %%d, "p99": %%d, "most": %%d, "bad": %%d, ' ..
        '"connect": %%d, "read": %%d, "write": %%d, "timeout": %%d, "turns": %%d, "by_status": "%%s"}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        e.status, e.connect, e.read, e.write, e.timeout, turned, by_status))
end
"""
# What was answered other than 200. wrk takes the headers of every answer apart for this; it costs a fifth or more.
_RESPONSE = """
told = {}
function response(status)
    if status ~= 200 then
        local key = tostring(status)
        told[key] = (told[key] or 0) + 1
    end
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked: `make` is Lua, a function make(number, token, at, again) that gives a whole request.

    `once`: the lines must not be gone through twice, for the second time is not the same act.
    """

    path: str
    people: list[tuple[str, str]]
    make: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What wrk counted. Latencies in ms; `bad` are answers of 400 and above, `broken` requests without an answer."""

    requests: int
    seconds: float
    p50: float
    p99: float
    longest: float
    bad: int
    broken: int
    turns: int
    by_status: dict[str, int]

    @property
    def good(self) -> int:
        return self.requests - self.bad

    @property
    def rate(self) -> float:
        return self.good / self.seconds


def acting(path: str, body: str = "") -> str:
    """Lua for a POST that needs a registration's token. `body` is a Lua expression; a fresh key goes with each."""
    return _posting(path, body or '""', '"Authorization: Bearer " .. token .. "\\r\\n')


def officiating(path: str, token: str, body: str) -> str:
    """Lua for a POST with an officer's token."""
    return _posting(path, body, f'"Authorization: Bearer {token}\\r\\n')


def _posting(path: str, body: str, authorization: str) -> str:
    return f"""
function make(number, token, at, again)
    local body = {body}
    return "POST {path}" .. head .. {authorization}Idempotency-Key: " .. at .. "." .. again ..
        "\\r\\nContent-Type: application/json\\r\\nContent-Length: " .. #body .. "\\r\\n\\r\\n" .. body
end"""


def reading(path: str, headers: str = "") -> str:
    """Lua for a GET. `path` and `headers` are Lua expressions; headers end in CR LF."""
    return f"""
function make(number, token, at, again)
    return "GET " .. {path} .. head .. {headers or '""'} .. "\\r\\n"
end"""


def run(load: Load, port: int, connections: int, seconds: float, folder: Path, *, statuses: bool = False) -> Answered:
    """Ask for so many seconds over so many connections, and give what came back."""
    people, script = folder / "people.csv", folder / "load.lua"
    people.write_text("".join(f"{number},{token}\n" for number, token in load.people))
    script.write_text(
        _LUA
        % {
            "people": people,
            "threads": THREADS,
            "make": load.make,
            "response": _RESPONSE if statuses else "",
            "result": RESULT,
        }
    )
    # wrk takes whole seconds only
    command = [
        "wrk",
        "-t",
        str(THREADS),
        "-c",
        str(connections),
        "-d",
        f"{max(1, round(seconds))}s",
        "--timeout",
        "10s",
    ]
    done = subprocess.run(
        [*command, "-s", str(script), f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if not lines:
        raise SystemExit(f"bench: wrk said {done.stdout}{done.stderr}")
    return _answered(json.loads(lines[0].removeprefix(RESULT)))


def _answered(said: dict) -> Answered:
    statuses: dict[str, int] = {}
    for each in said["by_status"].split():
        status, _, count = each.partition("=")
        statuses[status] = statuses.get(status, 0) + int(count)
    return Answered(
        requests=said["requests"],
        seconds=said["us"] / 1e6,
        p50=said["p50"] / 1e3,
        p99=said["p99"] / 1e3,
        longest=said["most"] / 1e3,
        bad=said["bad"],
        broken=said["connect"] + said["read"] + said["write"] + said["timeout"],
        turns=said["turns"],
        by_status=statuses,
    )

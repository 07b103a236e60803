"""Bundles checked by the worker thread that pages of draws load, in Chromium, served by a small server of their own;
and what the product says of the same bundle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from itertools import zip_longest
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from fairgate.core.bundle import lines_root, parse_beacon, parse_entries, parse_manifest, write_results
from fairgate.core.errors import BadInput
from loopback import loopback

EXAMPLE = Path(__file__).parents[1] / "docs" / "rules" / "example" / "draw"
STATIC = Path(__file__).parents[1] / "src" / "fairgate" / "web" / "static"
ASK = """([worker, address, asked]) => new Promise((done) => {
    const thread = new Worker(worker), parts = [];
    thread.addEventListener("error", (event) => done({say: "error", error: event.message}));
    thread.addEventListener("message", ({data}) => {
        if (data.say === "progress") parts.push(data.part);
        else if (data.say === "right" && asked !== null) thread.postMessage({say: "find", asked});
        else { thread.terminate(); done({...data, parts}); }
    });
    thread.postMessage(
        {say: "check", address: address + "/", policy: address + "/policy", keys: address + "/keys.json", bytes: 1}
    );
})"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # files change from one test to the next
        super().end_headers()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The files of a folder at the address given; an empty page is at its root."""
    (folder / "index.html").write_text("<!DOCTYPE html><title>check</title>")
    with loopback(partial(_Quiet, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}"


class Checker:
    """Asks the worker. `folder` is what its page's server serves, so bundles stand below it."""

    def __init__(self, page: Page, folder: Path) -> None:
        (worker,) = STATIC.glob("verify-worker.*.js")
        (folder / "worker.js").write_bytes(worker.read_bytes())
        self.page = page
        self.folder = folder

    def check(self, bundle: Path, asked: str | None = None) -> dict[str, Any]:
        """What the thread says at the end, or, if it finds the draw right and a ticket is asked for, of the ticket."""
        address = f"/{bundle.relative_to(self.folder).as_posix()}"
        said: dict[str, Any] = self.page.evaluate(ASK, ["/worker.js", address, asked])
        return said


Verdict = tuple[str, object]


def by_worker(said: dict[str, Any]) -> Verdict:
    """The thread's answer: ("right", root, seed and carry), or ("wrong", where the first fault is)."""
    if said["say"] == "right":
        return "right", (said["root"], said["seed"], said["carryOut"])
    assert said["say"] == "wrong", said
    found = said["place"]
    if "line" in found:
        return "wrong", f"{said['file']} line {found['line']}"
    return "wrong", f"{said['file']} key {found['key']}" if "key" in found else said["file"]


def by_product(bundle: Path) -> Verdict:
    """The same from the product's own readers and draw."""
    try:
        manifest = parse_manifest((bundle / "manifest.json").read_bytes())
        chance = randomness(manifest, parse_beacon((bundle / "beacon.json").read_bytes()))
        entries = (bundle / "entries.csv").read_bytes()
        listed = parse_entries(entries, manifest)
    except BadInput as fault:
        # whose reveal is wrong is a place of its own in the product, and is said in words on the page
        return "wrong", "beacon.json key reveals" if "beacon.json reveal of" in fault.place else fault.place
    root = lines_root(entries)
    drawn = drawing.draw(manifest, root, listed, chance)
    found = (bundle / "results.csv").read_bytes().split(b"\n")
    lines = enumerate(zip_longest(write_results(drawn).split(b"\n"), found), 1)
    differs = next((number for number, (right, here) in lines if right != here), None)
    if differs is not None:
        return "wrong", f"results.csv line {differs}"
    return "right", (root.hex(), drawn.seed.hex(), drawn.carry_out)


def change(file: Path, old: str, new: str) -> None:
    """Write `new` where `file` first says `old`."""
    data = file.read_bytes()
    assert old.encode() in data, "a change that changes nothing shows nothing"
    file.write_bytes(data.replace(old.encode(), new.encode(), 1))

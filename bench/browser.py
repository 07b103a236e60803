"""How long a browser needs to check a draw: python bench/browser.py [entries ...]

Makes the bundles of bench/draw.py (280,000 entries where nothing is said), has Chromium check them three times with
the thread that pages of draws load, and prints a Markdown table. Nothing else is on the page, and a timer in it says
for how long the page itself did not answer.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import draw
import psutil
from playwright.sync_api import Page, sync_playwright

STATIC = Path(draw.__file__).parents[1] / "src" / "fairgate" / "web" / "static"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
RUNS = 3
CHECK = """() => new Promise((done) => {
    const thread = new Worker("/worker.js"), began = performance.now();
    let last = began, longest = 0, told = 0;
    const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
    }, 5);
    thread.addEventListener("message", ({data}) => {
        if (data.say === "progress") { told += 1; return; }
        clearInterval(timer);
        done({say: data.say, seconds: (performance.now() - began) / 1000, longest, told});
        window.kept = thread;
    });
    thread.postMessage({say: "check", address: "/", policy: "/policy", keys: "/keys.json", bytes: 1});
})"""
HEADING = """\
| entries | files | wall, median of three | reports of progress | page silent, at most | most memory |
| ---: | ---: | ---: | ---: | ---: | ---: |"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def main(*sizes: int) -> None:
    print(HEADING, flush=True)
    for entries in sizes or (280_000,):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            draw.make_bundle(folder, entries)
            with (folder / "results.csv").open("wb") as results:
                subprocess.run([draw.FAIRGATE, "draw", folder], stdout=results, check=True)
            size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
            (worker,) = STATIC.glob("verify-worker.*.js")
            (folder / "worker.js").write_bytes(worker.read_bytes())
            (folder / "index.html").write_text("<!DOCTYPE html><title>bench</title>")
            print(f"| {entries:,} | {size:.0f} MB | {measured(folder)} |", flush=True)


def measured(folder: Path) -> str:
    """Cells of the table."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server, sync_playwright() as p:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        runs, memory = [], 0
        for _ in range(RUNS):
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            said, most = watched(page)
            if said["say"] != "right":
                sys.exit(f"the browser said: {said}")
            runs.append(said)
            memory = max(memory, most)
            page.close()
        browser.close()
        server.shutdown()
    wall = median(run["seconds"] for run in runs)
    silent = max(run["longest"] for run in runs)
    return f"{wall:.1f} s | {min(run['told'] for run in runs)} | {silent:.0f} ms | {memory / (1 << 20):,.0f} MiB"


def watched(page: Page) -> tuple[dict[str, Any], int]:
    """What a check says of itself, and the most memory, in bytes, that the largest process of a page had meanwhile."""
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                try:
                    if "--type=renderer" in child.cmdline():
                        most = max(most, child.memory_info().rss)
                except psutil.Error:
                    continue  # it has ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        said: dict[str, Any] = page.evaluate(CHECK)
    finally:
        over.set()
        watcher.join()
    return said, most


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))

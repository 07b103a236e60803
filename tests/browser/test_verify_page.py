"""Checking a draw on its page: what is loaded when, what is said, and that a ticket leaves the device by no way.

The tests share one world, and their rounds are far apart.
"""

from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from fairgate.core import bundle as files
from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from fairgate.core.draw import Entry
from fairgate.core.places import moment
from fairgate.store import publication, rounds
from fairgate.store.ledger_files import LedgerFiles
from sealed_rounds import REVEALS, a_manifest, an_entry
from signed_notes import WITNESS, Sealed, Signing
from web_world import PROGRAM

PATIENCE_MS = 60_000  # on a machine that does much else
Meet = Callable[..., Any]
BUTTON = {"en": "Check this draw in your browser", "es": "Comprobar este sorteo en su navegador"}
RIGHT = {"en": "Right: this draw is what its rules give", "es": "Correcto: este sorteo es lo que dan sus reglas"}


def draw_and_publish(site: Any, days_back: int) -> tuple[date, Path]:
    """A round with six groups more than the last, drawn, and its bundle where the gate finds it."""
    world = site.world
    for i in range(6):
        world.asking(size=1 + i % 3, weeks=100 + days_back + i)
    day = world.draw(world.day - timedelta(days=days_back), places=4)
    found = rounds.find(world.conn, PROGRAM, day)
    folder = publication.folder(site.home, world.profile, PROGRAM, day)
    made = publication.files(world.conn, found, LedgerFiles(site.home))
    publication.write(folder, made)
    publication.compress(folder, made)
    return day, folder


def result(person: Any) -> Any:
    return person.page.locator('[data-part="result"]')


def found(person: Any) -> Any:
    return person.page.locator('[data-part="found"]')


def ask(person: Any, text: str) -> None:
    person.page.locator("#asked").fill(text)
    person.page.locator('[data-part="find"]').click()


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_draw_is_checked_and_a_ticket_found_in_it_and_nothing_leaves_the_device(
    meet: Meet, site: Any, language: str
) -> None:
    day, folder = draw_and_publish(site, {"en": 20, "es": 24}[language])
    listed = [line[:32] for line in (folder / "entries.csv").read_text().splitlines()[1:]]
    offered = (folder / "results.csv").read_text().splitlines()[1]
    person = meet(language, scripts=True)
    person.go(f"/draws/{day}/")
    person.look("check-idle")
    assert not [url for url in person.asked if "verify-worker" in url or "entries.csv" in url], (
        "nothing before it is asked for"
    )
    person.press(BUTTON[language])
    expect(result(person)).to_contain_text(RIGHT[language], timeout=PATIENCE_MS)
    person.look("check-right")
    needed = {
        f"{site.url}/draws/{day}/{name}" for name in ("manifest.json", "entries.csv", "beacon.json", "results.csv")
    }
    assert needed <= set(person.asked), "what the thread asks for is seen here"

    person.asked.clear()
    person.context.set_offline(True)
    for ticket in (offered[:32], listed[0], listed[-1]):
        ask(person, ticket)
        expect(found(person).locator(".fg-mine code")).to_have_text(f"{ticket[:8]}…")
    assert "San Ysidro" in found(person).inner_text()
    person.context.set_offline(False)
    assert person.asked == [], "a ticket was looked for without asking anybody"
    person.look("check-ticket")
    ask(person, "0" * 32)
    expect(found(person)).to_contain_text("0" * 32)
    ask(person, "K48J-2J9P")
    expect(found(person)).to_contain_text({"en": "neither a ticket", "es": "ni un boleto"}[language])


def receipt(person: Any, words: str) -> str:
    """The text of the newest receipt of whoever is signed in, for what begins with these words."""
    person.go("/me/receipts")
    person.page.get_by_role("link", name=f"Receipt for: {words}").first.click()
    return str(person.page.locator(".fg-receipt").text_content())


def test_a_receipt_is_read_on_the_device(meet: Meet, site: Any) -> None:
    other, _ = draw_and_publish(site, 28)
    group = site.world.asking(size=2, weeks=2000)
    mine, _ = draw_and_publish(site, 36)
    person = meet("en", scripts=True)
    person.sign_in(group)
    of_offer, of_request = receipt(person, "You were offered"), receipt(person, "You asked")

    person.go(f"/draws/{mine}/")
    person.press(BUTTON["en"])
    expect(result(person)).to_contain_text(RIGHT["en"], timeout=PATIENCE_MS)
    person.asked.clear()
    ask(person, f"\n{of_offer}\n")
    expect(found(person)).to_contain_text("Offered a place at San Ysidro, as number 1 of all")
    expect(found(person)).to_contain_text("The receipt was signed with a key from the list of this service.")
    ask(person, of_request)
    expect(found(person)).to_contain_text("There is no ticket in this receipt")
    mailed = of_offer.replace("  ", " \u00a0")
    ask(person, "\n".join(mailed[place : place + 60] for place in range(0, len(mailed), 60)))
    expect(found(person)).to_contain_text("The receipt was signed with a key from the list of this service.")
    assert person.asked == []
    person.go(f"/draws/{other}/")
    person.press(BUTTON["en"])
    expect(result(person)).to_contain_text(RIGHT["en"], timeout=PATIENCE_MS)
    ask(person, of_offer)
    expect(found(person)).to_contain_text("This receipt is about another draw")


def test_the_thread_that_reads_a_ticket_is_let_speak_to_nobody_else(meet: Meet, site: Any) -> None:
    day, _ = draw_and_publish(site, 64)
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    person.press(BUTTON["en"])
    expect(result(person)).to_contain_text(RIGHT["en"], timeout=PATIENCE_MS)
    (thread,) = person.page.workers
    refused = thread.evaluate("""() => new Promise((done) => {
        addEventListener("securitypolicyviolation", (event) => done([event.effectiveDirective, event.blockedURI]));
        fetch("https://elsewhere.example/?ticket=1").then(() => done("sent"), () => undefined);
    })""")
    assert refused == ["connect-src", "https://elsewhere.example/?ticket=1"]
    person.complaints.clear()  # the browser's own, of what it did not let through
    person.asked[:] = [url for url in person.asked if "elsewhere" not in url]


def test_before_anybody_checks_the_page_weighs_less_than_50_kibibytes(meet: Meet, site: Any) -> None:
    day, _ = draw_and_publish(site, 68)
    person = meet("en", scripts=True)
    sent = person.context.new_cdp_session(person.page)
    weights: list[int] = []
    sent.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    sent.send("Network.enable")
    person.go(f"/draws/{day}/")
    person.page.wait_for_load_state("networkidle")
    assert len(weights) >= 4, "page, style and two scripts"
    assert sum(weights) < 50 * 1024, f"{weights} bytes"


@pytest.mark.parametrize("language", ["en", "es"])
def test_swapped_results_are_found_out(meet: Meet, site: Any, language: str) -> None:
    day, folder = draw_and_publish(site, {"en": 40, "es": 44}[language])
    (folder / "results.csv.gz").unlink()
    lines = (folder / "results.csv").read_text().split("\n")
    lines[2], lines[3] = lines[3], lines[2]
    (folder / "results.csv").write_text("\n".join(lines))
    person = meet(language, scripts=True)
    person.go(f"/draws/{day}/")
    person.press(BUTTON[language])
    expect(result(person)).to_contain_text({"en": "Wrong:", "es": "Incorrecto:"}[language])
    expect(result(person)).to_contain_text({"en": "results.csv, line 3", "es": "results.csv, línea 3"}[language])
    expect(result(person).locator("code")).to_have_text([lines[3], lines[2]])
    expect(person.page.locator('[data-part="ask"]')).to_be_hidden()
    person.look("check-wrong")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_sealing_that_observers_saw_in_time_is_shown(meet: Meet, site: Any, language: str) -> None:
    day, folder = draw_and_publish(site, {"en": 72, "es": 76}[language])
    manifest = (folder / "manifest.json").read_bytes()
    read = files.parse_manifest(manifest)
    root = files.lines_root((folder / "entries.csv").read_bytes()).hex()
    about = {"program": read.program, "round": read.round, "manifest": sha256(manifest).hexdigest(), "root": root}
    about["at"] = moment(read.seed_at - timedelta(hours=1))
    made, witness = Sealed(about), Signing("press.example/witness", WITNESS)
    note = made.checkpoint(witness.line(made.body, int(read.seed_at.timestamp()) - 60))
    for name, text in {"checkpoint": note, "sealing.tlog-proof": made.proof(note)}.items():
        (folder / f"{name}.gz").unlink(missing_ok=True)
        (folder / name).write_text(text)
    (site.home / "public" / "ledger").mkdir(exist_ok=True)
    policy = f"log {made.log.vkey}\nwitness press {witness.vkey}\nquorum press\n"
    (site.home / "public" / "ledger" / "policy").write_text(policy)
    person = meet(language, scripts=True)
    person.go(f"/draws/{day}/")
    person.press(BUTTON[language])
    expect(result(person)).to_contain_text(RIGHT[language], timeout=PATIENCE_MS)
    expect(result(person)).to_contain_text(
        {"en": "Manifest and list were fixed before", "es": "El manifiesto y la lista quedaron fijos antes"}[language]
    )
    expect(result(person)).to_contain_text("press.example/witness (")
    person.look("check-sealed")
    (site.home / "public" / "ledger" / "policy").unlink()


def hold(person: Any, address: str) -> list[Route]:
    """What was asked for at an address, on a network that takes its time."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    person.context.route(address, keep)
    return held


def test_while_it_runs_the_page_is_as_accessible_as_before(meet: Meet, site: Any) -> None:
    day, _ = draw_and_publish(site, 60)
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    held = hold(person, "**/entries.csv")
    person.press(BUTTON["en"])
    expect(person.page.locator('[data-part="step"]')).to_have_text("Loading the files")
    while not held:
        person.page.wait_for_timeout(10)
    person.look("check-running")
    held[0].continue_()
    expect(result(person)).to_contain_text(RIGHT["en"], timeout=PATIENCE_MS)


def test_who_reads_elsewhere_meanwhile_stays_there_and_is_told(meet: Meet, site: Any) -> None:
    day, _ = draw_and_publish(site, 80)
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    held = hold(person, "**/entries.csv")
    person.press(BUTTON["en"])
    while not held:
        person.page.wait_for_timeout(10)
    elsewhere = person.page.locator("main a").first
    elsewhere.focus()
    told = person.page.locator('[role="status"][data-part="said"]')
    expect(told).to_be_empty()
    held[0].continue_()
    expect(told).to_have_text(RIGHT["en"], timeout=PATIENCE_MS)
    expect(elsewhere).to_be_focused()


def test_a_port_is_called_by_its_code_where_the_service_has_no_name_for_it(meet: Meet, site: Any) -> None:
    """Also by one that every object of a script knows."""
    day, folder = draw_and_publish(site, 84)
    code = "constructor"
    manifest = a_manifest(ports=(files.PortPlaces(code, 1, 0),))
    publish_instead(folder, manifest, [an_entry(number, size=4, ports=code) for number in range(3)])
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    person.press(BUTTON["en"])
    expect(result(person)).to_contain_text(f"{code}: 3", timeout=PATIENCE_MS)


GONE = {
    "Worker": "delete window.Worker",
    "crypto": "Object.defineProperty(window, 'crypto', {value: undefined})",
    "subtle": "Object.defineProperty(crypto, 'subtle', {value: undefined})",
}


@pytest.mark.parametrize("lost", GONE)
def test_an_old_browser_is_told_of_the_programs(meet: Meet, site: Any, lost: str) -> None:
    day, _ = draw_and_publish(site, {"Worker": 88, "crypto": 92, "subtle": 96}[lost])
    person = meet("en", scripts=True)
    person.page.add_init_script(GONE[lost])
    person.go(f"/draws/{day}/")
    expect(person.page.get_by_role("button", name=BUTTON["en"])).to_be_hidden()
    assert "python3 verify.py FOLDER" in person.says


def publish_instead(folder: Path, manifest: files.Manifest, listed: list[Entry]) -> None:
    """Another draw's files in place of what was published."""
    data = files.write_entries(listed)
    drawn = drawing.draw(manifest, files.lines_root(data), listed, randomness(manifest, REVEALS))
    made = {"manifest.json": manifest.to_json().encode(), "entries.csv": data}
    made |= {"beacon.json": files.write_beacon(REVEALS), "results.csv": files.write_results(drawn)}
    for name, data in made.items():
        (folder / f"{name}.gz").unlink()
        (folder / name).write_bytes(data)


def large_bundle(folder: Path, entries: int) -> None:
    """A list so long that a check takes a while."""
    listed = [an_entry(number, size=1 + number % 4, weeks=number % 50) for number in range(entries)]
    publish_instead(folder, a_manifest(group_max=4), listed)


def test_a_long_check_shows_how_far_it_is_keeps_the_page_awake_and_can_be_stopped(meet: Meet, site: Any) -> None:
    day, folder = draw_and_publish(site, 48)
    large_bundle(folder, 40_000)
    person = meet("en", scripts=True)
    page = person.page
    person.go(f"/draws/{day}/")
    start, bar = (
        page.get_by_role("button", name=BUTTON["en"]),
        page.get_by_role("progressbar", name="Progress of the check"),
    )
    expect(bar).to_be_hidden()
    start.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    while page.evaluate("document.querySelector('progress').value") < 0.2:
        page.wait_for_timeout(10)
    expect(page.locator('[data-part="step"]')).not_to_be_empty()
    page.keyboard.press("Enter")
    expect(bar).to_be_hidden()
    expect(start).to_be_focused()
    page.evaluate("""() => {
        const seen = window.seen = {values: [], looks: 0};
        const look = () => {
            const {value} = document.querySelector("progress");
            seen.looks += 1;
            if (value !== seen.values.at(-1)) seen.values.push(value);
            setTimeout(look, 5);
        };
        look();
    }""")
    page.keyboard.press("Enter")
    expect(result(person)).to_contain_text(RIGHT["en"], timeout=PATIENCE_MS)
    expect(result(person)).to_be_focused()
    seen = page.evaluate("window.seen")
    assert len(seen["values"]) > 3, "the bar moved"
    assert seen["looks"] > 2 * len(seen["values"]), "the page had time for other things between"


def test_without_scripts_the_page_says_how_to_check_with_a_program(meet: Meet, site: Any) -> None:
    day, _ = draw_and_publish(site, 52)
    person = meet("en")
    person.go(f"/draws/{day}/")
    assert "python3 verify.py FOLDER" in person.says
    assert "fairgate verify FOLDER" in person.says
    assert BUTTON["en"] not in person.says
    person.look("check-without-scripts")


def test_a_draw_that_is_not_drawn_yet_has_nothing_to_check(meet: Meet, site: Any) -> None:
    world = site.world
    day = world.day + timedelta(days=3)
    world.open(day)
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    assert "Check this draw" not in person.says


def test_a_file_that_cannot_be_loaded_is_no_finding_about_the_draw(meet: Meet, site: Any) -> None:
    day, folder = draw_and_publish(site, 56)
    person = meet("en", scripts=True)
    person.go(f"/draws/{day}/")
    (folder / "entries.csv").unlink()
    (folder / "entries.csv.gz").unlink()
    person.press(BUTTON["en"])
    expect(result(person)).to_contain_text("The file is not there.")
    person.complaints.clear()  # of the address at which nothing is

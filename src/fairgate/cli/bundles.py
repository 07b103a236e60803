"""`fairgate draw` and `fairgate verify`: recompute a draw from its public files, without a database or an account.

What is verified of a bundle's sealing is in sealing.py, of a receipt or pass in receipts.py, of a proof by itself in
proofs.py.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.given import Kind, found
from fairgate.cli.progress import bar
from fairgate.cli.reading import files_of
from fairgate.core import draw as drawing
from fairgate.core.beacon import randomness
from fairgate.core.bundle import (
    Manifest,
    lines_root,
    parse_beacon,
    parse_entries,
    parse_manifest,
    results_in_parts,
)
from fairgate.core.draw import Drawn
from fairgate.core.errors import shown

app = typer.Typer()

RESULTS = "results.csv"


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A draw made again from a bundle's manifest, entries and beacon."""

    manifest: Manifest
    entries: int
    root: bytes
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Difference:
    """The first line that is not what it must be; None where there is no such line."""

    file: str
    line: int
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        expected, found = (shown(text, 120) if text is not None else "no line" for text in (self.expected, self.found))
        return f"{self.file} line {self.line}: expected {expected}, found {found}"


def recompute(folder: Path) -> Recomputed:
    """Draw again what `folder` holds; raises BadInput for files that cannot be right."""
    with bar("drawing"):
        manifest_file, entries_file, beacon_file = files_of(folder, "manifest.json", "entries.csv", "beacon.json")
        manifest = parse_manifest(manifest_file)
        chance = randomness(manifest, parse_beacon(beacon_file))
        entries = parse_entries(entries_file, manifest)
        root = lines_root(entries_file)
        del entries_file  # half a gigabyte where ten million asked
        return Recomputed(manifest, len(entries), root, drawing.draw(manifest, root, entries, chance))


def first_difference(file: str, expected: Iterable[bytes], found: bytes) -> Difference | None:
    """Where `found` first differs from `expected`, by lines; `expected` comes in parts of whole lines."""
    parts = iter(expected)
    done = lines_done = 0
    for part in parts:
        if not found.startswith(part, done):
            break
        done += len(part)
        lines_done += part.count(b"\n")
    else:
        part = b""
        if done == len(found):
            return None
    # the line that differs is in this part, or is the one after it where `found` ends with it
    right = (part + next(parts, b"")).split(b"\n")
    end = lines_done + len(right)  # behind the last line end: where the file goes on there, no line was expected
    for number, (line, here) in enumerate(zip_longest(right, _lines(found, done)), lines_done + 1):
        if line != here:
            is_none = number == end and not line and here is not None
            return Difference(file, number, None if is_none else _text(line), _text(here))
    raise AssertionError("bytes that differ have a line that differs")


def _lines(data: bytes, start: int) -> Iterator[bytes]:
    """What `data[start:].split(b"\\n")` holds, one after the other."""
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end]
        start = end + 1
    yield data[start:]


def _text(line: bytes | None) -> str | None:
    return None if line is None else line.decode(errors="backslashreplace")


@app.command(short_help="Draw a sealed round from its public files.")
def draw(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="manifest.json, entries.csv and beacon.json")],
    as_json: Annotated[bool, typer.Option("--json", help="Write root, seed and carry_out instead")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="Write honoured.csv instead: those who were missing from entries.csv")
    ] = False,
) -> None:
    """Draw a sealed round from its public files; results.csv goes to standard output.

    The same files give the same bytes on every machine. Nothing is written when a file cannot be right: one line
    on standard error names the file and the line, and the exit code is 2.

    \b
    fairgate draw bundle/ > mine.csv && cmp mine.csv bundle/results.csv
    fairgate draw bundle/ --json
        {"carry_out":{"SYS":2},"root":"cf92…","seed":"a0b8…"}
    fairgate draw bundle/ --missing > mine.csv && cmp mine.csv bundle/honoured.csv
    """
    if missing:
        from fairgate.cli import honoured  # noqa: PLC0415  nothing else needs it

        honoured.write_again(folder)
        return
    made = recompute(folder)
    if as_json:
        answer = {"root": made.root.hex(), "seed": made.drawn.seed.hex(), "carry_out": made.drawn.carry_out}
        typer.echo(json.dumps(answer, sort_keys=True, separators=(",", ":")))
    else:
        sys.stdout.buffer.writelines(results_in_parts(made.drawn))
        sys.stdout.buffer.flush()


@app.command(short_help="Check a draw, a receipt, a pass or a proof.")
def verify(
    what: Annotated[str, typer.Argument(metavar="DIR_OR_FILE_OR_TEXT", help="A bundle, a receipt or pass, a proof")],
    keys: Annotated[Path | None, typer.Option("--keys", help="Public keys for a receipt; else this home's")] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="URL_OR_DIR", help="Look a receipt up there; else in this home's")
    ] = None,
    proof: Annotated[Path | None, typer.Option("--proof", help="Hold a receipt against this proof instead")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The keys of log and witnesses that you trust (tlog-policy)")
    ] = None,
    save_proof: Annotated[
        Path | None, typer.Option("--save-proof", metavar="FILE", help="Write the proof for a receipt to this file")
    ] = None,
    revoked: Annotated[
        Path | None, typer.Option("--revoked", help="Passes that count no more; else this home's list")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Does a pass count then; else now")] = None,
    after: Annotated[
        Path | None,
        typer.Option("--after", metavar="DIR", help="The draw before, of which this one pays back"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the findings as JSON")] = False,
) -> None:
    """Check a draw that somebody published, or a receipt, a pass or a proof that somebody was given.

    A draw is recomputed and compared with results.csv; where the bundle has the files that show its sealing, they are
    checked by the keys of --policy, or else of this home's. With --after it is checked too that the persons by whom
    the draw before overshot are paid back here. A receipt or pass is a text that begins with FG1: (in
    single quotes: it has blanks and dollar signs), a file that holds one, or a picture of its QR code (PNG, JPEG,
    WebP); - reads it from standard input. Its signature is checked against keys.json, which the service publishes,
    and where there is a ledger to look at, that the ledger holds it. A proof (tlog-proof) shows that a ledger holds
    something.

    Exit code 0: it is right. 1: it is not, and the first line that differs, or what is wrong with the signature, the
    pass or the ledger, is named. 2: what was given cannot be right as it is.

    \b
    fairgate verify bundle/
    fairgate verify bundle/ --policy trusted.policy
    fairgate verify receipt.txt --keys keys.json --ledger https://places.example.org/ledger --policy trusted.policy
    fairgate verify pass.jpg --keys keys.json --revoked revoked.note --policy trusted.policy
    """
    given = found(what)
    given.refuse_unused(
        {"--keys": keys, "--ledger": ledger, "--proof": proof, "--policy": policy, "--save-proof": save_proof}
        | {"--revoked": revoked, "--at": at, "--after": after}
    )
    if given.kind is Kind.RECEIPT:
        from fairgate.cli import receipts  # noqa: PLC0415  so that checking a draw does not wait for a signature library

        asked = receipts.Asked(keys, ledger, proof, policy, save_proof, revoked, at)
        receipts.check(given.text, asked, as_json=as_json)
        return
    if given.kind is Kind.PROOF:
        from fairgate.cli import proofs  # noqa: PLC0415  the same

        proofs.check(given.data, given.place, policy, as_json=as_json)
        return
    check(Path(what), policy, after, as_json=as_json)


def check(path: Path, policy: Path | None = None, after: Path | None = None, *, as_json: bool) -> None:
    """Say what is found of a bundle; raises CheckedAndFalse with the first thing that is wrong."""
    from fairgate.cli import sealing  # noqa: PLC0415  so that drawing does not wait for a signature library

    def examined(folder: Path) -> tuple[Recomputed, sealing.Finding, Difference | None]:
        made = recompute(folder)
        sealed = sealing.check(folder, made.manifest, made.root, policy)
        if sealed.problem and not (folder / RESULTS).exists():
            return made, sealed, None
        found = files_of(folder, RESULTS)[0]
        return made, sealed, first_difference(RESULTS, results_in_parts(made.drawn), found)

    def first_wrong(sealed: sealing.Finding, difference: Difference | None) -> str | None:
        return sealed.problem or (str(difference) if difference else sealed.unshown)

    made, sealed, difference = examined(path)
    wrong = first_wrong(sealed, difference)
    if wrong is None and after is not None:
        before, its_sealing, its_difference = examined(after)
        wrong = first_wrong(its_sealing, its_difference)
        wrong = f"{after}: {wrong}" if wrong else _unpaid(made.manifest, before, after)
    if as_json:
        findings = {**_findings(made, difference), **sealing.findings(sealed), "ok": wrong is None}
        typer.echo(json.dumps(findings, sort_keys=True))
    elif wrong is None:
        paid = [f"What is paid back here is what the draw of {before.manifest.round} left."] if after else []
        typer.echo("\n".join([*_in_words(made), *paid, *sealing.in_words(sealed)]))
    if wrong is not None:
        raise CheckedAndFalse(wrong)


def _unpaid(manifest: Manifest, before: Recomputed, folder: Path) -> str | None:
    """What is wrong with a manifest's carry after the draw before; None where all is paid back."""
    if before.manifest.program != manifest.program or before.manifest.round >= manifest.round:
        return f"{folder}: is not an earlier draw of {manifest.program}"
    for each in manifest.ports:
        left = before.drawn.carry_out.get(each.port, each.carry)
        if left != each.carry:
            return f"manifest.json: the carry of {each.port} is {each.carry}, and the draw before left {left}"
    return None


def _findings(made: Recomputed, difference: Difference | None) -> dict[str, object]:
    named = {key: getattr(difference, key) for key in Difference.__slots__} if difference else None
    return {
        "root": made.root.hex(),
        "seed": made.drawn.seed.hex(),
        "carry_out": made.drawn.carry_out,
        "entries": made.entries,
        "offers": len(made.drawn.offers),
        "reserve": len(made.drawn.reserve),
        "first_difference": named,
    }


def _in_words(made: Recomputed) -> list[str]:
    manifest, drawn = made.manifest, made.drawn
    carry = ", ".join(f"{port} {persons}" for port, persons in drawn.carry_out.items()) or "nothing"
    return [
        f"right: the draw of {manifest.program} for {manifest.round} is what its rules and its random value give.",
        f"  entries {made.entries}, offers {len(drawn.offers)}, reserve {len(drawn.reserve)}",
        f"  root    {made.root.hex()}",
        f"  seed    {drawn.seed.hex()}",
        f"  carry   {carry}, for the next round",
        "This proves that the random value is the one that the manifest announced, and that every place and",
        "every line of the reserve list follows from the entries and that value.",
    ]

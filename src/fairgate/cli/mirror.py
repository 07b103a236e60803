"""`fairgate ledger mirror` and `ledger compare`: an observer's copy of a ledger, and what others were shown of it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli.faults import CheckedAndFalse
from fairgate.cli.inclusion import load_policy
from fairgate.cli.progress import bar
from fairgate.cli.reading import whole
from fairgate.core import tiles
from fairgate.core.errors import BadInput, shown
from fairgate.core.places import moment
from fairgate.core.policy import Policy, cosigned_at, log_signed, witnessed_at
from fairgate.store.files import only_one
from fairgate.watch import mirror as mirroring
from fairgate.watch.fetching import Source
from fairgate.watch.mirror import Kept, NotAsSigned, TwoFaces

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="Whom to believe: a C2SP tlog-policy, as the service has at /ledger/policy"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write the findings as JSON")]

_AGAIN = "run `fairgate ledger mirror` first"


@dataclass(frozen=True, slots=True)
class _Findings:
    """What a run came to. `new`: leaves added; `behind`: the service shows fewer leaves than are mirrored."""

    origin: str
    size: int
    new: int
    behind: bool
    signed: str

    def as_json(self) -> str:
        said = {"ok": True, "origin": self.origin, "size": self.size, "new": self.new, "behind": self.behind}
        return json.dumps({**said, "signed": self.signed}, sort_keys=True)


def mirror(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where the ledger is, as https://places.example.org/ledger")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the copy; made at first use")],
    policy_file: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy a ledger and check it: signatures, every leaf, the whole tree, and that it continues the copy of last time.

    Only what is new is fetched. Exit code 1 where something is not as it was signed, or contradicts what was mirrored
    before: then both checkpoints are kept in DIR/forks, and the copy stays as it was.

    \b
    fairgate ledger mirror https://places.example.org/ledger copy --policy policy
    """
    policy = load_policy(policy_file)
    folder.mkdir(parents=True, exist_ok=True)
    alone = only_one(folder, "another mirror writes here", "wait until it is done")
    with _also_as_json(as_json), alone, Source(url) as source:
        old, new = mirroring.kept(folder), _shown(source, url)
        signed = _signed(new, policy)
        if old is not None and new.checkpoint.origin != old.checkpoint.origin:
            problem = (
                f"is the ledger {shown(new.checkpoint.origin)}, and {shown(old.checkpoint.origin)} is mirrored here"
            )
            raise BadInput(url, problem, "give each ledger a folder of its own")
        found = _bring(folder, old, new, source, signed)
    typer.echo(found.as_json() if as_json else _in_words(found, old))


def _shown(source: Source, url: str) -> Kept:
    data = source.get("checkpoint")
    if data is None:
        raise BadInput(f"{url}/checkpoint", "is not there", "give the address below which the ledger's files are")
    return mirroring.read_checkpoint(data, f"{url}/checkpoint")


def _bring(folder: Path, old: Kept | None, new: Kept, source: Source, signed: str) -> _Findings:
    size, before = new.checkpoint.size, old.checkpoint.size if old else 0
    try:
        if old is not None and size < before:
            _compared(folder, old, new)
            return _Findings(new.checkpoint.origin, before, 0, True, signed)
        with bar("fetching and checking", tiles.tile_count(before, size)) as advance:
            mirroring.mirror(folder, old, new, source, time.time(), advance)
    except NotAsSigned as fault:
        raise CheckedAndFalse(f"not as it was signed: {fault}; nothing new was kept") from None
    except TwoFaces as fault:
        raise CheckedAndFalse(_two_faces(fault)) from None
    return _Findings(new.checkpoint.origin, size, size - before, False, signed)


def compare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A copy made by `fairgate ledger mirror`")],
    other: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="The checkpoint that somebody else was shown")],
    policy_file: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare the checkpoint that somebody else was shown with a copy: whether both were shown one ledger.

    It may come from another mirror (DIR/checkpoint), a witness (/seen/…) or a bundle. Exit code 1, and both checkpoints
    in DIR/forks, where it is of another tree.

    \b
    fairgate ledger compare copy checkpoint-of-a-friend --policy policy
    """
    policy = load_policy(policy_file)
    old = mirroring.kept(folder) if folder.is_dir() else None
    if old is None:
        raise BadInput(str(folder), "holds no copy of a ledger", _AGAIN)
    theirs = mirroring.read_checkpoint(whole(other), str(other))
    if theirs.checkpoint.origin != old.checkpoint.origin:
        problem = f"is of {shown(theirs.checkpoint.origin)}, the copy of {shown(old.checkpoint.origin)}"
        raise BadInput(str(other), problem, "compare checkpoints of one ledger")
    with _also_as_json(as_json):
        _refuse_unsigned(theirs, policy)
        agrees = _compared(folder, old, theirs)  # two faces are proven by the ledger's signatures, whoever cosigned
        signed = _signed(theirs, policy)
    size = theirs.checkpoint.size
    if not agrees:
        problem = f"has {size} leaves, the copy {old.checkpoint.size}: nothing can be said yet"
        raise BadInput(str(other), problem, f"{_AGAIN}, then compare again")
    said = {"ok": True, "origin": old.checkpoint.origin, "size": size, "signed": signed}
    words = f"right: of its first {size} leaves both have the same root; {signed}"
    typer.echo(json.dumps(said, sort_keys=True) if as_json else words)


def _compared(folder: Path, old: Kept, other: Kept) -> bool:
    try:
        return mirroring.compare(folder, old, other, time.time())
    except TwoFaces as fault:
        raise CheckedAndFalse(_two_faces(fault)) from None


@contextmanager
def _also_as_json(wanted: bool) -> Iterator[None]:
    """What is checked and found false is written as findings too, where that is wanted."""
    try:
        yield
    except CheckedAndFalse as fault:
        if wanted:
            typer.echo(json.dumps({"ok": False, "difference": str(fault)}, sort_keys=True))
        raise


def _signed(shown_now: Kept, policy: Policy | None) -> str:
    """Who signed, in words; raises CheckedAndFalse where that is not enough for the policy."""
    if policy is None:
        return "no policy given, so nobody's signature was checked"
    _refuse_unsigned(shown_now, policy)
    since = witnessed_at(shown_now.note, policy)
    if since is None:
        names = ", ".join(sorted(cosigned_at(shown_now.note, policy))) or "none"
        raise CheckedAndFalse(f"checkpoint: the policy wants more witnesses than cosigned it ({names})")
    if since == 0:
        return "signed by the ledger; the policy asks for no witness"
    names = ", ".join(sorted(cosigned_at(shown_now.note, policy)))
    return f"signed by the ledger and cosigned by {names}, enough since {moment(datetime.fromtimestamp(since, UTC))}"


def _refuse_unsigned(shown_now: Kept, policy: Policy | None) -> None:
    if policy is not None and not log_signed(shown_now.note, policy, "checkpoint"):
        origin = shown(shown_now.checkpoint.origin)
        raise CheckedAndFalse(f"checkpoint: no key that the policy has for {origin} signed it")


def _two_faces(fault: TwoFaces) -> str:
    return (
        f"two ledgers: {fault}. Both checkpoints are in {fault.place}: where the ledger signed both, it showed two "
        "faces; publish them"
    )


def _in_words(found: _Findings, old: Kept | None) -> str:
    if found.behind:
        return (
            f"behind: {found.origin} shows fewer leaves than the {found.size} mirrored here, and no others.\n"
            "Nothing is wrong if that is an old copy on its way; if it stays so, the ledger was set back."
        )
    before = "nothing was mirrored before, so there is nothing to compare with"
    if old is not None:
        before = f"the {old.checkpoint.size} leaves mirrored before are unchanged, and the beginning of these"
    lines = [
        f"right: {found.origin} has {found.size} leaves, {found.new} of them new here.",
        f"  signatures  {found.signed}",
        "  leaves      each new entry hashes to its leaf, the leaves to the tree, the tree to the checkpoint",
        f"  before      {before}",
        "This proves that what is mirrored here is what the checkpoint signs, and that nothing of it was changed or",
        "taken out since it was first mirrored. It does not prove that others are shown the same ledger: for that",
        "compare with their checkpoints (`fairgate ledger compare`), or ask for witnesses in the policy. Nor does it",
        "say what a leaf stands for.",
    ]
    return "\n".join(lines)

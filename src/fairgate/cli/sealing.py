"""The part of `fairgate verify` that is about a bundle's sealing: what shows that its list is older than its value."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fairgate.cli import place
from fairgate.cli.inclusion import policy_in
from fairgate.cli.reading import part_of
from fairgate.core.errors import shown
from fairgate.core.lines import data_text
from fairgate.core.manifest import Manifest
from fairgate.core.places import moment
from fairgate.core.policy import NONE, Policy
from fairgate.core.sealed import (
    CHECKPOINT,
    POSTPONED,
    PROOF,
    Contradiction,
    Sealing,
    Unwitnessed,
    parse_sealing,
    refuse_contradiction,
    trusted_at,
)


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose keys were asked: the file of a policy, and what it says."""

    file: Path
    policy: Policy


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of checking the sealing. `sealing` is None where a bundle has no proof of it.

    `missing` are the files of it that are not there; where one of the two is, that is not read. `trusted` is None where
    there were no keys to check signatures by, `witnessed_at` where no witness was asked for.
    """

    sealing: Sealing | None = None
    trusted: Trusted | None = None
    witnessed_at: datetime | None = None
    problem: str | None = None
    unwitnessed: str | None = None  # what the witnesses of this home's own policy did not do, where none was given
    missing: tuple[str, ...] = ()
    unshown: str | None = None  # that it is not shown by a policy that was given; counts if nothing else is wrong

    @property
    def is_shown(self) -> bool:
        """Whether somebody whose key was given says that the list was sealed, and in time."""
        return self.sealing is not None and self.trusted is not None and not self.problem and not self.unwitnessed


def check(folder: Path, manifest: Manifest, root: bytes, policy: Path | None) -> Finding:
    """Check the sealing of the bundle in `folder` against a policy: that of the file, or one of this home.

    Raises BadInput for a file that cannot be right; what contradicts is the finding's problem.
    """
    given = _read(policy) if policy else None
    missing = tuple(name for name in (CHECKPOINT, PROOF) if not (folder / name).exists())
    if missing:
        # Who names keys wants the sealing shown by them: to take its files away must not help anybody.
        unshown = f"{missing[0]}: is not there, so by {policy} the sealing is not shown" if given else None
        return Finding(missing=missing, unshown=unshown)
    sealing = parse_sealing(part_of(folder, PROOF))
    trusted = given or _of_home(sealing.checkpoint.origin)
    try:
        refuse_contradiction(sealing, part_of(folder, CHECKPOINT), manifest, root)
        witnessed_at = trusted_at(sealing, trusted.policy, manifest.seed_at) if trusted else None
    except Unwitnessed as found:
        # The home's own policy may be younger than the draw, as that of a rehearsal is; a reader's own is meant.
        if given is None:
            return Finding(sealing, trusted, unwitnessed=str(found))
        return Finding(sealing, trusted, problem=str(found))
    except Contradiction as found:
        return Finding(sealing, trusted, problem=str(found))
    return Finding(sealing, trusted, witnessed_at)


def _read(file: Path) -> Trusted:
    return Trusted(file, policy_in(file))


def _of_home(origin: str) -> Trusted | None:
    """A policy of this home that has the key of this ledger."""
    home = place.home()
    for file in (home / "ledger" / "policy", home / "public" / "ledger" / "policy"):
        if file.is_file():
            found = _read(file)
            if found.policy.log_keys(origin):
                return found
    return None


def findings(found: Finding) -> dict[str, object]:
    """The members of the JSON answer about the sealing."""
    if found.sealing is None:
        return {"sealing_shown": False, "sealing": None}
    head = found.sealing.checkpoint
    details = {
        "act": found.sealing.facts.get("kind"),
        "at": moment(found.sealing.at),
        "origin": head.origin,
        "leaf": found.sealing.proof.index,
        "size": head.size,
        "root": head.root.hex(),
        "policy": str(found.trusted.file) if found.trusted else None,
        "witnessed_at": moment(found.witnessed_at) if found.witnessed_at else None,
        "problem": found.problem or found.unwitnessed,
    }
    return {"sealing_shown": found.is_shown, "sealing": details}


def in_words(found: Finding) -> list[str]:
    """Lines for a person, where nothing contradicts."""
    if found.sealing is None:
        files = " and ".join(f"`{name}`" for name in found.missing)
        return [
            f"The sealing is not shown: without {files} nothing here says that the entries were",
            "fixed before the random value existed.",
        ]
    head, put_off = found.sealing.checkpoint, _put_off(found.sealing)
    lines = [
        f"  {'put off' if put_off else 'sealed '} {moment(found.sealing.at)}, "
        f"leaf {found.sealing.proof.index} of the ledger {shown(head.origin)}",
        f"  tree    {head.size} leaves, root {data_text(head.root)}",
    ]
    if found.trusted is None:
        return [
            *lines,
            *put_off,
            "The act that sealed just this manifest and these entries is in this tree. Signatures were not checked,",
            "as no keys were given, and who makes up a draw can make up a tree: so the sealing is not shown yet.",
            "Name keys that you trust with --policy, or compare origin, size and root with what a witness saw.",
        ]
    lines.append(f"  policy  {found.trusted.file}")
    if found.unwitnessed:
        return [
            *lines,
            *put_off,
            "The act that sealed just this manifest and these entries is in this tree, and the ledger signed it. But",
            f"by the policy of this home the sealing is not shown: {found.unwitnessed}.",
            "The entries may be younger than the random value.",
        ]
    if found.trusted.policy.quorum == NONE:
        return [
            *lines,
            *put_off,
            "The act that sealed just this manifest and these entries is in this tree, and the ledger signed it. The",
            "time is its own word, as this policy asks for no witness: the entries may be younger than the value.",
        ]
    assert found.witnessed_at is not None, "a quorum has a time"
    return [
        *lines,
        f"  seen    {moment(found.witnessed_at)}, by enough witnesses",
        *put_off,
        "This proves that manifest and entries were fixed before the random value existed, unless the ledger and",
        "enough of its witnesses for the quorum acted together.",
    ]


def _put_off(sealing: Sealing) -> list[str]:
    """What is to be known of a round that did not take the random value that it had announced first."""
    if sealing.facts.get("kind") != POSTPONED:
        return []
    was = shown(str(sealing.facts.get("was")))
    return [
        f"The draw was put off: the random value of {was} was not used. When this act was",
        "done that value could be known; whether the list had been shown in time for it the witnesses can say.",
    ]

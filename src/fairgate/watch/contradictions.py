"""Evidence: two checkpoints of a ledger that cannot both be honest, kept as files for everybody to check."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from fairgate.core.checkpoint import Checkpoint
from fairgate.core.note import Note, note_text
from fairgate.core.places import moment
from fairgate.store.files import flush_folder, put

EVIDENCE_MOST: Final = 1000  # of one kind; a ledger's own signatures are needed to make more

_PUBLIC: Final = 0o644


def keep(folder: Path, first: Note, second: Note, checkpoint: Checkpoint, at: float) -> Path:
    """Put both notes into a folder of their own inside `folder`; `checkpoint` is the second's, `at` now, in seconds.

    The same second one is kept once. Where there is too much evidence already nothing is added. Answers with the place.
    """
    folder.mkdir(mode=0o755, exist_ok=True)
    place = folder / called(checkpoint)
    if place.exists() or sum(1 for _ in folder.iterdir()) >= EVIDENCE_MOST:
        return place
    draft = folder / f".{place.name}.new"
    draft.mkdir(mode=0o755, exist_ok=True)
    put(draft / "first", note_text(first).encode(), _PUBLIC)
    put(draft / "second", note_text(second).encode(), _PUBLIC)
    put(draft / "noticed-at", f"{moment(datetime.fromtimestamp(int(at), UTC))}\n".encode(), _PUBLIC)
    flush_folder(draft)
    draft.rename(place)
    flush_folder(folder)
    return place


def ledger_id(origin: str) -> str:
    """A name for files and addresses that stands for an origin, whatever is in that: 32 hex digits."""
    return sha256(origin.encode()).hexdigest()[:32]


def called(checkpoint: Checkpoint) -> str:
    """The name of the folder that holds the evidence about a checkpoint."""
    text_hash = sha256(checkpoint.text().encode()).hexdigest()
    return f"{ledger_id(checkpoint.origin)[:8]}-{checkpoint.size}-{text_hash[:16]}"

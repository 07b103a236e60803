"""A folder that the real `fairgate ledger mirror` fills."""

from pathlib import Path

import fairgate_runs


class Mirror:
    """A copy of the ledger at `url`; after a command `out` and `err` have what it said."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url

    def run(self, *more: str) -> int:
        return self._said("mirror", self._url, str(self.folder), *more)

    def compare(self, checkpoint: Path, *more: str) -> int:
        return self._said("compare", str(self.folder), str(checkpoint), *more)

    def _said(self, *words: str) -> int:
        ended = fairgate_runs.run("ledger", *words)
        self.out, self.err = ended.stdout.decode(), ended.stderr.decode()
        assert self.err.count("\n") == (ended.returncode != 0), self.err
        return ended.returncode

    def files(self) -> dict[str, bytes]:
        """What is in the folder, by path."""
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}

    def forks(self) -> list[Path]:
        """The evidence that was kept."""
        return sorted((self.folder / "forks").iterdir()) if (self.folder / "forks").exists() else []

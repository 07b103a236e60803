"""The parts of a deployment, each a process: `serve`, `worker`, `watch`; and `migrate`, which goes before them."""

import errno
import os
import socket
import ssl
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fairgate.cli import logs, place, server
from fairgate.cli.faults import database_place
from fairgate.cli.parent import end_with_parent, stopped_by_signals
from fairgate.cli.reading import whole
from fairgate.commands.load_profile import load_profile
from fairgate.commands.rounds import start_calendar
from fairgate.core import schedule, webpush
from fairgate.core.errors import BadInput, shown
from fairgate.core.numbers import new_code
from fairgate.core.profile import Profile
from fairgate.core.receipts import NAMES_MOST
from fairgate.store import clock, keys, profiles, providers, slots
from fairgate.store.migrate import migrate as migrate_tables
from fairgate.store.migrate import pending

if TYPE_CHECKING:
    from fairgate.notify.status_page import StatusPage

app = typer.Typer()

LOCAL: Final = "http://127.0.0.1:8000"  # where people use the service if nothing else is said

# Where the parts begin. They are loaded when they run, so that the worker does not carry the pages in its memory.
WORKER, NOTIFY, WATCH = "fairgate.worker.run", "fairgate.notify.run", "fairgate.watch.run"
ACCOUNTS, STATUS, CHANNELS = "fairgate.web.accounts", "fairgate.notify.status_page", "fairgate.notify.configured"


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option("--workers", "--processes", min=1, max=64, help="How many processes answer")
    ] = 1,
    certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", help="Serve HTTPS with this chain of certificates (PEM)")
    ] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="The certificate's key (PEM, PKCS #8)")] = None,
) -> None:
    """Serve the gate and the pages. DATABASE_URL says where the database is, FAIRGATE_HOME where keys and files are.

    Processes share nothing but the database. Behind a proxy of yours set FAIRGATE_PROXIES=1, so that limits are those
    of the people and not of the proxy.

    \b
    DATABASE_URL=postgresql://… fairgate serve --host 0.0.0.0 --port 8000 --workers 2
    DATABASE_URL=postgresql://… fairgate serve --port 8443 --tls-certificate chain.pem --tls-key key.pem
    """
    _prepare_environment()
    _refuse_old_tables()
    tls = _tls(certificate, key)
    if file := os.environ.get("FAIRGATE_SMS_FILE"):
        providers.load(Path(file))  # what is wrong with it is said here, and not by each process
    if contact := os.environ.get("FAIRGATE_PUSH_CONTACT"):
        webpush.refuse_contact(contact)
        keys.load_push(place.home())  # the same
    address = refuse_taken(host, port)
    logs.configure()
    end_with_parent()
    server.run(address, port, workers, tls)


def _tls(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Certificate and key, read once so that what is wrong with them is said before anything starts."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise BadInput("--tls-certificate and --tls-key", "only one of them is given", "give both or neither")
    if b"BEGIN CERTIFICATE" not in whole(certificate):
        raise BadInput(str(certificate), "holds no certificate", "give a file in PEM form")
    if b"BEGIN PRIVATE KEY" not in whole(key):
        raise BadInput(str(key), "holds no PKCS #8 key", "convert it with `openssl pkcs8 -topk8 -nocrypt`")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError:
        problem = "cannot be read, or do not belong together"
        raise BadInput(f"{certificate} and {key}", problem, "give a certificate and its own key") from None
    found = load_pem_private_key(whole(key), None)
    curves = (ec.SECP256R1, ec.SECP384R1)
    if not isinstance(found, (rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)) and not (
        isinstance(found, ec.EllipticCurvePrivateKey) and isinstance(found.curve, curves)
    ):
        raise BadInput(str(key), "is of a kind that is not served", "use RSA, Ed25519, or ECDSA over P-256 or P-384")
    return certificate, key


@app.command(short_help="Do what is due, from sealing lists to handing over notices.")
def worker(
    address: Annotated[str, typer.Option("--address", help="Where people use the service; else FAIRGATE_ORIGIN")] = "",
) -> None:
    """Do what is due: open, seal, seed and draw rounds, lapse and backfill offers, hand over notices, publish.

    Any number of workers may run at once.

    \b
    DATABASE_URL=postgresql://… fairgate worker
    """
    url = _prepare_environment()
    _refuse_old_tables()
    import_module(CHANNELS).configured(
        os.environ, place.home()
    )  # what is wrong with them is said before anything starts
    issuer = keys.origin(os.environ.get("FAIRGATE_ORIGIN", ""))
    logs.configure()
    parts = [
        partial(import_module(WORKER).run, tell=_status_page(address).write, issuer=issuer),
        import_module(NOTIFY).run,
    ]
    with stopped_by_signals() as stop, ThreadPoolExecutor(len(parts)) as threads:
        running = [threads.submit(run, url, place.home(), stop) for run in parts]
        wait(running, return_when=FIRST_EXCEPTION)
        stop.set()  # when one could not go on, the other is not left alone
        for part in running:
            part.result()


@app.command(short_help="Try a confirmation every ten seconds, as a person would.")
def watch(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address that people use")] = LOCAL,
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", min=1, max=65535, help="Show /metrics for Prometheus on this port")
    ] = None,
    metrics_host: Annotated[str, typer.Option("--metrics-host", help="The address for /metrics")] = "127.0.0.1",
) -> None:
    """Try a confirmation every ten seconds, as a person would, and put on record whether it worked.

    Run it elsewhere than the servers that it watches.

    \b
    DATABASE_URL=postgresql://… fairgate watch https://places.example.org --metrics-port 9108
    """
    database = _prepare_environment()
    if metrics_port is not None:
        metrics_host = refuse_taken(metrics_host, metrics_port, "metrics-")
    _refuse_old_tables()
    logs.configure()
    run = import_module(WATCH).run
    metrics = None if metrics_port is None else (metrics_host, metrics_port)
    with stopped_by_signals() as stop:
        run(url, database, place.home(), stop, metrics=metrics, tell=_status_page(url).write)


@app.command(short_help="Make a staff account, or give it another password.")
def staff(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with")],
    password_file: Annotated[Path, typer.Option("--password-file", help="Holds the password, or will hold a new one")],
) -> None:
    """Make a staff account, or give one that is there the password in a file.

    Where the file is not there, a password is drawn and written into it, for its owner alone to read.

    \b
    fairgate staff officer --password-file officer.password
    """
    _prepare_environment()
    add = import_module(ACCOUNTS).add
    if not password_file.exists():
        draft = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(draft, "w") as file:
            file.write(new_code(os.urandom) + "\n")
    add(name, whole(password_file).decode().strip())
    typer.echo(f"staff account {name}; its password is in {password_file}")


@app.command(short_help="Bring the database's tables up to date, and load a profile.")
def migrate(
    profile: Annotated[Path | None, typer.Option("--profile", help="Load this folder's profile too")] = None,
) -> None:
    """Bring the database to this version's tables, load a profile, and put its programs on the calendar.

    Doing it again changes nothing. Run it before the parts of a new version start.

    \b
    DATABASE_URL=postgresql://… fairgate migrate --profile profiles/southwest-border
    """
    _prepare_environment()
    with place.database() as conn:
        applied = prepare(conn, profile)
    typer.echo(f"migrations applied: {', '.join(applied) or 'none, all were there'}")


def prepare(conn: psycopg.Connection, profile: Path | None) -> list[str]:
    """Tables, Django's tables, profile, calendar; the migrations applied. DATABASE_URL is set."""
    texts = None if profile is None else profiles.read_folder(profile)
    if texts is not None:
        refuse_long_names(profiles.parse(texts), place.issuer())  # a profile with a fault changes nothing
    applied = migrate_tables(conn)
    import_module(ACCOUNTS).prepare()
    if texts is not None:
        load_profile(conn, texts, now=clock.now(conn))
        begin_calendar(conn)
    return applied


def refuse_long_names(profile: Profile, issuer: str) -> None:
    """Raise BadInput where a receipt of a program would not fit a QR code of version 15."""
    for program in profile.programs:
        if len(issuer) + len(program.program) > NAMES_MOST:
            problem = f"is, with the name of the ledger ({issuer}), more than {NAMES_MOST} characters"
            way_out = "shorten it or FAIRGATE_ORIGIN, so that receipts fit a QR code"
            raise BadInput(f"programs.toml {program.program}", problem, way_out)


def begin_calendar(conn: psycopg.Connection) -> None:
    """Let the rounds of every program that is not on the calendar yet open by themselves from now on."""
    now = clock.now(conn)
    for program in profiles.current(conn).programs:
        if not program.hidden and slots.scheduled(conn, program.program) is None:
            start_calendar(conn, program, schedule.next_to_open(program, now))


def refuse_taken(host: str, port: int, of: str = "") -> str:
    """The address that `host` names, as numbers; raises BadInput when nothing can listen there.

    `of` is what the names of the two options begin with.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        problem, way_out = f"{shown(host)} is no address", "give one of this machine, as 127.0.0.1 or 0.0.0.0"
        raise BadInput(f"--{of}host", problem, way_out) from None
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            problem = f"nothing can listen there ({error.strerror})"
            way_out = f"end what uses it, or choose another with --{of}port"
            if error.errno == errno.EADDRNOTAVAIL:
                way_out = f"give an address of this machine with --{of}host, as 127.0.0.1 or 0.0.0.0"
            raise BadInput(f"{host} port {port}", problem, way_out) from None
    return str(address[0])


def _status_page(address: str) -> "StatusPage":
    """What puts the public state into words, for worker and watcher; its links lead to the address that people use."""
    origin = os.environ.get("FAIRGATE_ORIGIN") or address or LOCAL
    page: StatusPage = import_module(STATUS).StatusPage(place.home(), origin)
    return page


def _refuse_old_tables() -> None:
    """Raise BadInput where the database is of another version. One that is away is no reason not to start."""
    with suppress(psycopg.OperationalError), place.database() as conn:
        waiting = pending(conn)
        if waiting:
            raise BadInput(database_place(), f"{', '.join(waiting)} not applied", "run `fairgate migrate` first")


def _prepare_environment() -> str:
    """The database's URL; and for what reads the environment itself (Django), database and home are set there."""
    url = place.database_url()
    os.environ["DATABASE_URL"] = url
    os.environ["FAIRGATE_HOME"] = str(place.home())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairgate.web.settings")
    return url

"""`fairgate witness`: a small witness for observers, which needs neither a database nor anything else of Fairgate."""

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from fairgate.cli import logs
from fairgate.cli.parent import end_with_parent
from fairgate.core.errors import BadInput, shown
from fairgate.core.note import ED25519, Key, is_name, parse_key
from fairgate.store.files import only_one
from fairgate.watch.witness import Witness
from fairgate.watch.witness_server import Server

app = typer.Typer()


@app.command(short_help="Cosign checkpoints of ledgers, for observers.")
def witness(
    home: Annotated[Path, typer.Option("--home", help="Its folder: the key, and what it has seen")],
    name: Annotated[str, typer.Option("--name", help="Its name for policies, as witness.example.org/w1")],
    log: Annotated[list[str], typer.Option("--log", metavar="VKEY", help="A ledger's key; may be given again")],
    host: Annotated[str, typer.Option("--host", help="The address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free")] = 8100,
) -> None:
    """Cosign checkpoints of ledgers, each only where it continues the one before, and keep proof of any that does not.

    It speaks C2SP tlog-witness: POST /add-checkpoint. Its key is made when it first runs; what policies need of it is
    printed, and shown at /. Never bring its folder back from a copy: a witness that forgot is none.

    \b
    fairgate witness --home witness --name witness.example.org/w1 --log places.example.org/ledger+5c2d9a11+AWx…
    """
    if not is_name(name):
        raise BadInput("--name", f"{shown(name)} has a blank or a plus sign, or is empty", "write it like an address")
    keys = [_log_key(vkey) for vkey in log]
    logs.configure()
    end_with_parent()
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    with only_one(home, "another witness runs here", "stop it, or give this one another --home"):
        asyncio.run(_serve(Witness(home, name, keys, time.time), host, port))


def _log_key(vkey: str) -> Key:
    key = parse_key(vkey, "--log")
    if key.kind != ED25519:
        raise BadInput("--log", f"{shown(key.name)} is not a ledger's key", "give the key of a ledger, kind 1")
    return key


async def _serve(found: Witness, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def listening(at: int) -> None:
        typer.echo(f"witness {found.key.vkey}\nlistening at http://{host}:{at}")
        sys.stdout.flush()

    try:
        await Server(found).run(host, port, stop, listening)
    except OSError as error:
        problem = f"nothing can listen there ({error.strerror or error})"
        raise BadInput(f"{host} port {port}", problem, "choose another --host or --port") from None

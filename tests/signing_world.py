"""The process that signs the ledger, as tests run it: with real witnesses, at the world's time."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from fairgate.core.checkpoint import Checkpoint, parse_checkpoint
from fairgate.core.note import Note, NoteSigner, parse_note
from fairgate.core.policy import Policy, parse_policy
from fairgate.store import keys
from fairgate.worker import signing
from fairgate.worker.signing import Signing
from fairgate.worker.witnesses import Witnesses
from time_world import TimeWorld
from witness_process import WitnessProcess


def signer_of(world: TimeWorld) -> NoteSigner:
    return keys.load_ledger(world.home, keys.LOCAL)


def sign(world: TimeWorld, *witnesses: WitnessProcess) -> None:
    """What the process does that has just begun: one look, on this test's connection."""
    with signing_process(world, *witnesses) as process:
        process.look()


@contextmanager
def signing_process(world: TimeWorld, *witnesses: WitnessProcess) -> Iterator[Signing]:
    """The process as it begins, on this test's connection."""
    signer, place = signer_of(world), world.home / "ledger" / "policy"
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"witness w{n} {each.key.vkey} {each.url}\n" for n, each in enumerate(witnesses)]
    quorum = "quorum w0\n" if witnesses else "quorum none\n"
    place.write_text("".join([*lines, quorum]))
    policy = signing.policy_of(world.home, signer, "http://127.0.0.1")
    with closing(Witnesses(policy, 2.0)) as asked:
        yield Signing(world.home, signer, lambda: nullcontext(world.conn), policy, asked, 0.0, lambda _: world.now)


def public(world: TimeWorld) -> tuple[Note, Checkpoint, Policy]:
    """The note that everybody sees, its checkpoint, and the policy that was published with it."""
    folder = world.home / "public" / "ledger"
    note = parse_note((folder / "checkpoint").read_bytes(), "checkpoint")
    return note, parse_checkpoint(note, "checkpoint"), parse_policy((folder / "policy").read_bytes(), "policy")

"""Where the random value of a round comes from: drand over HTTP, or the profile's observers.

Who makes it is laid down when the round is sealed. drand is chosen if the profile prefers it and one of its servers
has just shown a value of this minute with the right signature; else the observers, who commit to what they will
reveal. Once sealed, nothing else will do: if drand is away when the value is due, the round waits.

Which server tells us a signature does not matter, it is checked. A server that lies or is away
costs a few seconds, then the next one is asked.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import structlog

from fairgate.core.beacon import CommitReveal, Drand, drand_proof, drand_round_at
from fairgate.core.bundle import Beacon, DrandProof, Manifest, Proof
from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile
from fairgate.store import observers

PATIENCE = httpx.Timeout(4.0, connect=2.0)
ANSWER_MOST = 4096  # bytes; a signature with its round is 250
FRESH = timedelta(seconds=60)  # a server whose newest value is older than this is behind or halted

log = structlog.get_logger()


class Beacons:
    """The source of random values for the rounds of this machine; `home` has the observers' keys."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def choose(self, profile: Profile, program: str, day: date, seed_at: datetime, now: datetime) -> Beacon:
        """Who makes the random value of a round, the first of the profile's kinds that can; BadInput if none can."""
        for kind in profile.beacon.kinds:
            if kind == "commit-reveal":
                return self._commit(profile, program, day)
            if _drand_answers(profile, now):
                assert profile.beacon.chain is not None, "a profile with drand names its chain"
                return Drand(profile.beacon.chain, drand_round_at(seed_at))
            log.warning("drand away", program=program, round=day.isoformat())
        way_out = 'wait for them, or add "commit-reveal" to kinds and name observers'
        raise BadInput("profile.toml, beacon.drand_urls", "no drand server answers with a value of now", way_out)

    def proof(self, profile: Profile, manifest: Manifest) -> Proof | None:
        """The random value that a sealed manifest announces; None when it is not there yet."""
        if isinstance(manifest.beacon, Drand):
            return _signature(profile, manifest.beacon)
        names = [commitment.by for commitment in manifest.beacon.commitments]
        return observers.reveal(self._home, names, manifest.program, date.fromisoformat(manifest.round))

    def _commit(self, profile: Profile, program: str, day: date) -> CommitReveal:
        """What the observers promise. Their keys are made here only where the profile says that this is a rehearsal."""
        if not profile.beacon.rehearsal:
            for name in profile.beacon.observers:
                key = observers.key_path(self._home, name)
                if not key.exists():
                    raise BadInput(str(key), "the observer's key is not there", "let the observer bring it")
        return observers.commit(self._home, profile.beacon.observers, program, day)


def _drand_answers(profile: Profile, now: datetime) -> bool:
    """Whether some server has a value with the right signature that is not older than a minute."""
    oldest = drand_round_at(now - FRESH)
    return any(proof.round >= oldest for url in profile.beacon.drand_urls if (proof := _ask(profile, url, "latest")))


def _signature(profile: Profile, beacon: Drand) -> DrandProof | None:
    for url in profile.beacon.drand_urls:
        proof = _ask(profile, url, str(beacon.round))
        if proof is not None and proof.round == beacon.round:
            return proof
    return None


def _ask(profile: Profile, url: str, which: str) -> DrandProof | None:
    """What the server at `url` says is the value of round `which`, verified; None if it says nothing that is right."""
    place = f"{url.rstrip('/')}/{quote(profile.beacon.chain or '')}/public/{which}"
    try:
        body = _get(place)
        answer = json.loads(body)
        return drand_proof(int(answer["round"]), bytes.fromhex(answer["signature"]))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.info("drand server away", server=url, error=type(error).__name__)
    except (BadInput, ValueError, KeyError, TypeError):
        log.warning("drand server wrong", server=url, asked=which)
    return None


def _get(place: str) -> bytes:
    """The body of a good answer, of which no more is read than can be right, and which is not unfolded."""
    with httpx.stream("GET", place, timeout=PATIENCE, headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        body = b""
        for chunk in response.iter_raw(ANSWER_MOST):
            body += chunk
            if len(body) > ANSWER_MOST:
                break
    return body

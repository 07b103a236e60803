"""Load a profile: from now on the deployment runs on it."""

from collections.abc import Mapping
from datetime import datetime

import psycopg

from fairgate.core.errors import BadInput, shown
from fairgate.core.profile import Profile
from fairgate.store import profiles, rounds


def load_profile(conn: psycopg.Connection, texts: Mapping[str, str], *, now: datetime) -> Profile:
    """Take the profile whose files these are; raises BadInput, and changes nothing, when it has a fault.

    Rounds that are sealed keep what they were sealed with.
    """
    profile = profiles.parse(texts)
    with conn.transaction():
        _refuse_to_forget(conn, profile)
        profiles.save(conn, profile, texts, now)
    return profile


def _refuse_to_forget(conn: psycopg.Connection, profile: Profile) -> None:
    """People have places in rounds that are not over: their programs and ports have to be known until then."""
    ports = {port.port for port in profile.ports}
    for program, port, day in rounds.unfinished_places(conn):
        if profile.find_program(program) is None:
            problem = f"leaves out {shown(program)}, whose round of {day} is not over"
            raise BadInput("programs.toml", problem, "keep it until that round is closed, or void it")
        if port not in ports:
            problem = f"leaves out {shown(port)}, where the round of {day} of {shown(program)} is not over"
            raise BadInput("ports.toml", problem, "keep it until that round is closed, or void it")

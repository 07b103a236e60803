"""Load a profile: from now on the deployment runs on it."""

from collections.abc import Mapping
from datetime import datetime

import psycopg

from fairgate.core.profile import Profile
from fairgate.store import profiles


def load_profile(conn: psycopg.Connection, texts: Mapping[str, str], *, now: datetime) -> Profile:
    """Take the profile whose files these are; raises BadInput, and changes nothing, when it has a fault.

    Rounds that are sealed keep what they were sealed with.
    """
    profile = profiles.parse(texts)
    with conn.transaction():
        profiles.save(conn, profile, texts, now)
    return profile

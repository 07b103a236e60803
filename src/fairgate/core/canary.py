"""The hidden program in which a watcher confirms places, so that there is evidence when nobody else confirms.

It is part of every deployment and of no profile. It is never on the calendar, never drawn, never published, and in no
figure: its registrations hold no people, and its rounds have no entries. Only confirming it is like confirming any
other place, because that is what is to be shown.
"""

from dataclasses import replace
from datetime import time, timedelta
from typing import Final

from fairgate.core.deadlines import Policy
from fairgate.core.profile import LocalTime, PortWeek, Profile, Program

PROGRAM: Final = "canary"
PLACES: Final = 1_000_000  # a day; a watcher needs 8,640


def with_canary(profile: Profile) -> Profile:
    """The profile and the hidden program, at the profile's first port."""
    if profile.find_program(PROGRAM) is not None:
        return profile
    week = (((time(0), PLACES),),) * 7
    hidden = Program(
        program=PROGRAM,
        names=dict.fromkeys(profile.languages, PROGRAM),
        group_max=1,
        lead_days=1,
        seniority_share=(0, 1),
        backfill_hours=0,
        policy=Policy(window=timedelta(hours=48)),  # one window lasts for the places of a day
        zone="Etc/UTC",
        opens=LocalTime(-1, time(0)),
        closes=LocalTime(0, time(0)),
        seed=LocalTime(0, time(4)),
        results=LocalTime(0, time(5)),
        ports=(PortWeek(profile.ports[0].port, week),),
        closed=frozenset(),
        hidden=True,
    )
    return replace(profile, programs=(*profile.programs, hidden))

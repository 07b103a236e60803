"""The tables about the whole service, without rows: what is in each, and what each column means.

English; pages show the meanings in the person's language, and docs/data.md is written from here.
"""

from typing import Final

from fairgate.core.published.table import Column, Table

_PROGRAM = Column("program", "text", "The program, by its short name.")
_DATE = Column("date", "date", "The date of the appointments, which names the round.")
_PORT = Column("port", "text", "The port, by its code.")
_SINCE = Column(
    "since", "text", "What the wait is counted from: request (the group asked) or registration (it registered)."
)
_P10 = Column("p10", "days", "One group in ten waited at most so many days.")
_P50 = Column("p50", "days", "Half of the groups waited at most so many days.")
_P90 = Column("p90", "days", "Nine groups in ten waited at most so many days.")
_LONGEST = Column("longest", "days", "The longest wait among them, in days.")

DRAWS: Final = Table(
    "draws",
    "Each draw in numbers",
    (
        _PROGRAM,
        _DATE,
        Column("drawn_at", "moment", "When the draw was made."),
        Column("groups", "number", "Groups in the draw: all requests that stood when the list was sealed."),
        Column("people", "number", "People in these groups."),
        Column("places", "number", "Places of all ports, in people, less what earlier draws gave out too many."),
        Column("offers", "number", "Groups to whom the draw gave a place."),
        Column("offered_people", "number", "People in the groups to whom the draw gave a place."),
        Column("reserve", "number", "Groups on the reserve list."),
    ),
)
_OUTCOMES = (
    Column("drawn", "number", "People to whom the draw gave a place."),
    Column("refilled", "people", "People who were offered a place from the reserve list, as others came free."),
    Column("open", "people", "People whose offer is not decided yet."),
    Column("confirmed", "people", "People who confirmed and whose day is still to come."),
    Column("checked_in", "people", "People who confirmed and came."),
    Column("missed", "people", "People who confirmed and did not come."),
    Column("declined", "people", "People who declined the offer."),
    Column("lapsed", "people", "People whose offer ended because it was not confirmed in time."),
    Column("cancelled", "people", "People whose offer or appointment was cancelled, by themselves or by the agency."),
    Column(
        "passed_over",
        "people",
        "People drawn who had withdrawn, left their group or got another place since the list was sealed.",
    ),
)
OUTCOMES: Final = Table(
    "outcomes",
    "What became of the offers",
    (
        _PROGRAM,
        _DATE,
        Column(
            "final",
            "text",
            "yes if nothing can change any more, else no."
            " Until then the numbers after the next one are rounded down to whole tens, so 0 is fewer than ten.",
        ),
        *_OUTCOMES,
    ),
)
OUTCOMES_BY_PORT: Final = Table(
    "outcomes-by-port",
    "What became of the offers at each port, of dates that are over",
    (_PROGRAM, _DATE, _PORT, *_OUTCOMES),
)
PLACES_LOST: Final = Table(
    "places-lost",
    "Places lost by a fault of the system",
    (
        _PROGRAM,
        Column("date", "date", "The date of the appointments; empty for the sum of all dates in this table."),
        Column(
            "lost",
            "people",
            "People whose offer lapsed although, by all that is on record today, its time was not over: an outage was"
            " found later that moves the deadline, or somebody's failed try to confirm was still to be honoured."
            " It should be 0.",
        ),
    ),
)
WAITS: Final = Table(
    "waits",
    "Waits of those to whom each draw gave a place",
    (
        _PROGRAM,
        _DATE,
        _SINCE,
        Column("groups", "people", "Groups to whom the draw gave a place."),
        _P10,
        _P50,
        _P90,
        _LONGEST,
    ),
)
WAITS_BY_PORT: Final = Table(
    "waits-by-port",
    "Waits of those to whom the last 28 draws gave a place, by port",
    (
        _PROGRAM,
        _PORT,
        _SINCE,
        _P10,
        _P50,
        _P90,
        _LONGEST,
    ),
)
WAITING: Final = Table(
    "waiting",
    "Who waits, and how long somebody who asks today waits at most",
    (
        _PROGRAM,
        Column("port", "text", "The port, by its code; all: somebody who takes a place at any port."),
        Column(
            "as_of",
            "moment",
            "When the list from which this is counted was drawn, or sealed where it is not drawn yet.",
        ),
        Column("groups", "people", "Groups that waited for a place there then, whether or not they named others too."),
        Column("people", "people", "People in these groups."),
        Column("p50", "days", "Half of these groups had waited at most so many days since they asked."),
        Column("longest_request", "days", "The longest wait among them since asking, in days."),
        Column("longest_registration", "days", "The longest wait among them since registering, in days."),
        Column("reserved", "number", "Places, in people, surely kept for those who wait longest, in the coming week."),
        Column(
            "taken_up",
            "decimal",
            "The part of all people given a place lately who came; empty if it would tell a hidden number.",
        ),
        Column(
            "bound",
            "days",
            "Days from today until the draw in which somebody who asks today is offered a place at the latest, if"
            " people come as often as lately and the days have their places; empty where there is no such bound.",
        ),
    ),
)
OUTAGES: Final = Table(
    "outages",
    "When confirming did not work",
    (
        Column("start", "moment", "When confirming was last seen to work."),
        Column("end", "moment", "When it began to work again for a quarter of an hour at least; empty while it lasts."),
        Column("minutes", "number", "How long that was, in minutes begun; so far, while it lasts."),
        Column("told_at", "moment", "When everyone affected had been told that it was over; empty before."),
        Column("incident", "text", "The number of the incident on the status page that it belongs to."),
        Column("groups", "people", "Groups whose open offers the whole incident touched."),
        Column("people", "people", "People in these groups."),
    ),
)
PORTS: Final = Table(
    "ports",
    "The ports and their places",
    (
        _PROGRAM,
        _PORT,
        Column("name", "text", "Its name."),
        Column("zone", "text", "Its time zone."),
        *(
            Column(day, "number", f"Places on a {day.capitalize()}, in people, if nothing else was decided for a date.")
            for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        ),
    ),
)
CALENDAR: Final = Table(
    "calendar",
    "Places of the coming days",
    (
        _PROGRAM,
        Column("date", "date", "The date of the appointments."),
        _PORT,
        Column("state", "text", "planned (its round is not open yet), open, sealed, drawn, closed, void, or no round."),
        Column("places", "number", "Places, in people; 0 when the port is closed on that day."),
        Column("first", "text", "The first time of day with places, by the port's clock; empty if there is none."),
        Column("last", "text", "The last time of day with places."),
        Column("incident", "text", "The number of the incident that closes the port on that day, where there is one."),
    ),
)
SLOTS: Final = Table(
    "slots",
    "Times of day of the coming days",
    (
        _PROGRAM,
        Column("date", "date", "The date of the appointments."),
        _PORT,
        Column("time", "text", "The time of day by the port's clock."),
        Column("places", "number", "Places, in people."),
    ),
)
LAYOUTS: Final = (
    DRAWS,
    OUTCOMES,
    OUTCOMES_BY_PORT,
    PLACES_LOST,
    WAITS,
    WAITS_BY_PORT,
    WAITING,
    OUTAGES,
    PORTS,
    CALENDAR,
    SLOTS,
)

"""The texts of notices in English."""

from fairgate.notify.text import Language, Template

ENGLISH = Language(
    locale="en_GB",
    day="EEEE d MMMM",
    brief_day="EEE d MMM",
    moment="{time} on {day}, {city} time",
    place="{port} on {day} at {time}, {city} time, for {people}",
    one_person="1 person",
    people="{number} people",
    closing=(
        "We never ask for your access code in a message or on the telephone."
        " Registering, asking and confirming cost nothing.\n\n{agency}"
    ),
    templates={
        "offered": Template(
            "You are offered a place: confirm it by {deadline}",
            "You are offered a place: {place}.\n\n"
            "To keep it, sign in with your registration number and access code and confirm it by {deadline}."
            " If you do not confirm it by then, it goes to the next group on the reserve list,"
            " and your request stands on.\n\n"
            "If you cannot come, please decline: somebody else can use the place, and your weeks stay as they are.",
            "{service}: you are offered a place: {brief_place}. Confirm it by {brief_deadline}, or it goes to the"
            " next group. Sign in with your number and access code.",
        ),
        "offered over capacity": Template(
            "You are offered a place: confirm it by {deadline}",
            "You were missing from the list of a draw by our mistake. Your receipt was honoured, and you are offered a"
            " place: {place}.\n\n"
            "To keep it, sign in with your registration number and access code and confirm it by {deadline}."
            " If you do not confirm it by then, it ends, and your request stands on.\n\n"
            "If you cannot come, please decline: your weeks stay as they are.",
            "{service}: you are offered a place: {brief_place}. Confirm it by {brief_deadline}, or it ends."
            " Sign in with your number and access code.",
        ),
        "offered paused": Template(
            "You are offered a place",
            "You are offered a place: {place}.\n\n"
            "Confirming does not work for everyone at the moment, so your deadline stands still."
            " We will tell you when it works again, and until when you can confirm. You can try at any time.",
            "{service}: you are offered a place: {brief_place}. Confirming does not work for everyone now, so"
            " your deadline stands still. We will tell you when it works.",
        ),
        "confirmed": Template(
            "You have an appointment: {port}, {day}",
            "You confirmed your place: {place}.\n\n"
            "Come with everyone in your group. Bring the registration number and, for each person,"
            " a document if there is one. If you cannot come, please cancel the appointment on the page"
            ' "Where you stand".',
            "{service}: you have an appointment: {brief_place}. Come with everyone in your group and bring the"
            " registration number.",
        ),
        "declined": Template(
            "You declined the place at {port} on {day}",
            "You declined the place that you were offered: {place}.\n\n"
            "Your request stands on, and your weeks stay as they are.",
            "{service}: you declined the place at {port} on {brief_day}. Your request stands on, and your weeks stay.",
        ),
        "lapsed": Template(
            "The offer of a place at {port} on {day} has ended",
            "The place that you were offered was not confirmed by {deadline}: {place}."
            " It goes to the next group on the reserve list.\n\n"
            "It does not count against you: your request stands on, and your weeks stay as they are.",
            "{service}: your place at {port} on {brief_day} was not confirmed by {brief_deadline} and goes to the"
            " next group. Your request stands on, and your weeks stay.",
        ),
        "lapsed over capacity": Template(
            "The offer of a place at {port} on {day} has ended",
            "The place that you were offered was not confirmed by {deadline}: {place}.\n\n"
            "It does not count against you: your request stands on, and your weeks stay as they are.",
            "{service}: your place at {port} on {brief_day} was not confirmed by {brief_deadline}."
            " Your request stands on, and your weeks stay.",
        ),
        "cancelled by holder": Template(
            "You cancelled the place at {port} on {day}",
            "You cancelled your place: {place}.\n\nYour request stands on, and your weeks stay as they are.",
            "{service}: you cancelled the place at {port} on {brief_day}. Your request stands on, and your weeks stay.",
        ),
        "cancelled": Template(
            "Your place at {port} on {day} was cancelled",
            "Your place was cancelled by {agency}: {place}.\n\nThe reason given: {why}\n\n"
            "Your request stands on, and your weeks stay as they are.",
            "{service}: your place at {port} on {brief_day} was cancelled by us. Sign in to read why. Your"
            " request stands on, and your weeks stay.",
        ),
        "extended": Template(
            "You have more time to confirm: until {deadline}",
            "There was a time in which confirming did not work, and it is given back to you."
            " You can confirm your place until {deadline}: {place}.\n\n"
            'The page "Where you stand" shows how this deadline was worked out.',
            "{service}: you have more time. You can confirm your place at {port} on {brief_day} until"
            " {brief_deadline}. Sign in with your number and access code.",
        ),
        "extended paused": Template(
            "Your deadline stands still",
            "Confirming does not work for everyone at the moment, so the deadline for your place stands still: {place}."
            "\n\nYou lose nothing by waiting. We will tell you when it works again, and until when you can confirm."
            " You can try at any time.",
            "{service}: confirming does not work for everyone now, so the deadline for your place at {port} on"
            " {brief_day} stands still. You lose nothing. We will tell you when it works.",
        ),
        "outage over": Template(
            "Confirming works again",
            "Confirming did not work from {start}, until {end}. It works again.\n\n"
            "The time lost is given back to you. We will send you your new deadline in another message;"
            " you can confirm your place now.",
            "{service}: confirming works again. It did not from {brief_start}, until {brief_end}. The time is"
            " given back; your new deadline comes in another message.",
        ),
        "withdrawn": Template(
            "Your request is withdrawn",
            "You withdrew your request. You will not be in any further draw.\n\n"
            'For 72 hours you can bring it back on the page "Where you stand", as if it had never been withdrawn.',
            "{service}: you withdrew your request. For 72 hours you can bring it back as if it had never been"
            " withdrawn.",
        ),
        "restored": Template(
            "Your request stands again",
            "You brought your request back. It stands as if it had never been withdrawn, for: {ports}.",
            "{service}: your request stands again, as if it had never been withdrawn.",
        ),
        "missed": Template(
            "Nobody was checked in for your appointment at {port} on {day}",
            "Nobody of your group was checked in for your appointment: {place}.\n\n"
            "It does not count against you: your request stands again, and your weeks stay as they are."
            " If you were there, please tell the office at the port.",
            "{service}: nobody of your group was checked in at {port} on {brief_day}. It does not count against"
            " you: your request stands again. If you were there, tell the office at the port.",
        ),
    },
)

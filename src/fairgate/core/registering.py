"""Who may be registered: the members of a group and what is asked about them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from fairgate.core.lifecycle import Reason, Refused

ADULT_AGE = 18
OLDEST_AGE = 130
NAME_MAX = 200  # letters; a longer name is a mistake of the form or an attack


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a group. `details` are further answers (nationality, contact, …), all of them personal data.

    `registered_as` is who the member was on joining, once names or birth date have been corrected; None before.
    """

    given_names: str
    family_names: str
    born_on: date
    details: Mapping[str, str] = field(default_factory=dict)
    registered_as: "Member | None" = None

    @property
    def at_first(self) -> "Member":
        """The member as registered, whatever was corrected since."""
        return self.registered_as or self

    def as_json(self) -> dict[str, object]:
        """As it is stored; half a surrogate pair, which JSON can bring and UTF-8 cannot hold, becomes "?"."""
        details = {key: _storable(value) for key, value in self.details.items()}
        return {
            "given_names": _storable(self.given_names),
            "family_names": _storable(self.family_names),
            "born_on": self.born_on.isoformat(),
            **({"details": details} if details else {}),
            **({"registered_as": self.registered_as.as_json()} if self.registered_as else {}),
        }

    @classmethod
    def from_json(cls, person: Mapping[str, object]) -> "Member":
        details = person.get("details", {})
        assert isinstance(details, dict)
        first = person.get("registered_as")
        return cls(
            given_names=str(person["given_names"]),
            family_names=str(person["family_names"]),
            born_on=date.fromisoformat(str(person["born_on"])),
            details=details,
            registered_as=cls.from_json(first) if isinstance(first, dict) else None,
        )


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def birthday(born_on: date, age: int) -> date:
    """The day on which a person turns `age`; born on 29 February, it is 1 March in a common year."""
    try:
        return born_on.replace(year=born_on.year + age)
    except ValueError:
        return date(born_on.year + age, 3, 1)


def adult_from(born_on: date, joined_on: date) -> date:
    """From when a member counts as an adult: the eighteenth birthday, or the day of joining when that is later."""
    return max(birthday(born_on, ADULT_AGE), joined_on)


def refuse_members(members: Sequence[Member], *, group_max: int, today: date) -> Refused | None:
    """Why these people cannot be one group; None when they can. Facts name the member, counted from 1."""
    if not members:
        return Refused(Reason.NO_MEMBERS)
    if len(members) > group_max:
        return Refused(Reason.GROUP_TOO_LARGE, {"size": len(members), "group_max": group_max})
    return next(filter(None, (_refuse_member(m, position, today) for position, m in enumerate(members, 1))), None)


def _refuse_member(member: Member, position: int, today: date) -> Refused | None:
    if not member.given_names.strip() and not member.family_names.strip():
        return Refused(Reason.NO_NAME, {"member": position})
    if max(len(member.given_names), len(member.family_names)) > NAME_MAX:
        return Refused(Reason.NAME_TOO_LONG, {"member": position, "letters": NAME_MAX})
    if _invisible(member.given_names) or _invisible(member.family_names):
        return Refused(Reason.NAME_NOT_WRITTEN, {"member": position})
    if member.born_on > today:
        return Refused(Reason.BORN_IN_FUTURE, {"member": position})
    if birthday(member.born_on, OLDEST_AGE) < today:
        return Refused(Reason.BORN_TOO_LONG_AGO, {"member": position, "years": OLDEST_AGE})
    return None


def _invisible(name: str) -> bool:
    """Whether a name holds line breaks, control characters or marks that turn the direction of writing around.

    They could forge a line of a message or of an officer's screen. Joiners are letters' business in several scripts.
    """
    return any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\u200c\u200d" for c in name)


def refuse_ports(ports: Sequence[str], *, known: Sequence[str]) -> Refused | None:
    """Why a request cannot name these ports in this order; None when it can."""
    if not ports:
        return Refused(Reason.NO_PORTS)
    if len(set(ports)) < len(ports):
        return Refused(Reason.PORT_TWICE, {"port": next(port for port in ports if list(ports).count(port) > 1)})
    unknown = [port for port in ports if port not in known]
    return Refused(Reason.UNKNOWN_PORT, {"port": unknown[0][:60], "known": list(known)}) if unknown else None

"""Which entries of a list stand alone: no other has the same size, weeks and ports.

The public list holds tickets, not names. But somebody who knows how many a group are, how long it has waited and which
ports it asked for can look for that line; where there is only one, they know its ticket, and with it what the draw gave
it. The list cannot be made coarser without making the draw impossible to check, so it is counted at each sealing how
many stand like that: an agency sees whether its ports and its waits make people findable.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from fairgate.core.draw import Standing


def standing_alone(standings: Iterable[Standing]) -> list[Standing]:
    """Those that occur once, sorted; nothing links them to tickets or numbers."""
    return sorted(standing for standing, times in Counter(standings).items() if times == 1)


def by_size(alone: Iterable[Standing]) -> Mapping[int, int]:
    """How many of them there are by persons of the group, smallest first."""
    counted = Counter(standing.size for standing in alone)
    return dict(sorted(counted.items()))

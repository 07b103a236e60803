"""The one error for what somebody handed in and what cannot be right."""


def shown(text: str | bytes, limit: int = 60) -> str:
    """`text` in quotes as a message may show it: one line, at most `limit` characters of the original.

    Whatever does not print (control characters, direction marks, lone surrogates, bytes that are not
    UTF-8) appears as its escape, so that hostile input can neither break a log nor hide what it is.
    """
    head = text[: limit + 1]
    if isinstance(head, bytes):
        head = head.decode("utf-8", "backslashreplace")
    more = "…" if len(text) > limit else ""
    return f'"{_one_line(head[:limit])}{more}"'


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class BadInput(Exception):  # noqa: N818  it is an answer, not a defect
    """A file, line or field that cannot be right. The command line ends with exit code 2.

    `place` names the file and the line or key, `problem` what is wrong there, `way_out` what to do about
    it; `str()` puts them on one line. `reason` is for programs, which put it into a person's language.
    """

    def __init__(self, place: str, problem: str, way_out: str, *, reason: str = "bad input") -> None:
        super().__init__(place, problem, way_out)
        self.place = place
        self.problem = problem
        self.way_out = way_out
        self.reason = reason

    def __str__(self) -> str:
        return _one_line(f"{self.place}: {self.problem}; {self.way_out}")

"""Log lines: JSON on standard error, one line an event, and nothing about a person.

Whatever a line says, it says under a key. Keys that can hold personal data are masked here, wherever in a line they
stand; of an error only its kind and place are told, because messages of libraries quote what they were given. Lines
of libraries that use Python's own logging take the same way.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from fairgate.core import faults

MASK: Final = "[left out]"
PERSONAL: Final = frozenset(
    {
        *("name", "names", "given_names", "family_names", "full_name", "person", "people", "member", "members"),
        *("born_on", "birth_date", "nationality", "birth_country", "sex", "document", "details", "contact"),
        *(
            "email",
            "phone",
            "address",
            "ip",
            "code",
            "access_code",
            "number",
            "password",
            "token",
            "cookie",
            "authorization",
        ),
    }
)


def configure(level: int = logging.INFO) -> None:
    """Let all logging of this process go to standard error in this form; calling it again changes nothing."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        place_of_error,
        leave_out_people,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(renderer)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpcore"):  # they tell every request, with its address
        logging.getLogger(chatty).setLevel(logging.WARNING)


def leave_out_people(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mask the values of keys that can hold personal data, in nested objects too."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if key.lower() in PERSONAL:
        return MASK
    if isinstance(value, Mapping):
        return {inner: _masked(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(key, each) for each in value]
    return value


def place_of_error(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put the kind and the place of an error where its traceback and message would stand."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["place"] = faults.place(error)
    return event


def server_config() -> dict[str, Any]:
    """For servers that configure Python's logging by themselves: leave everything to the root that `configure` made."""
    quiet = {"handlers": [], "propagate": True, "level": "WARNING"}
    return {"version": 1, "disable_existing_loggers": False, "loggers": {"_granian": quiet, "granian.access": quiet}}

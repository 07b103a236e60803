"""What every answer has in common: headers that keep it safe, and a page for when the database is away."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from fairgate.web import database, deployment
from fairgate.web.views import errors

Answer = Callable[[HttpRequest], HttpResponse]

# No script, style, image or loaded file but our own, nothing inline, and no page of ours inside another.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SAID_EVERY_SECONDS = 10.0

log = structlog.get_logger()


def _a_defect(record: logging.LogRecord) -> bool:
    """Whether Django's line about an answer is news: what a person was told (404, 503) is none, and comes in floods."""
    return getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR) == HTTPStatus.INTERNAL_SERVER_ERROR


logging.getLogger("django.request").addFilter(_a_defect)
# Wrong hosts and forms without their cookie are anybody's to send, as many as they like and with any words in them.
for _name in ("django.security.DisallowedHost", "django.security.csrf"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(slots=True)
class _Seldom:
    """Says that pages got no answer: at once, and then now and again with how many they were."""

    pages: int = 0
    said_at: float | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def count(self, error: Exception) -> None:
        """Called by all threads; when the database goes, by several in the same moment."""
        with self._turn:
            self.pages += 1
            now = time.monotonic()
            if self.said_at is None or now - self.said_at >= SAID_EVERY_SECONDS:
                log.error("pages unanswered", pages=self.pages, error=type(error).__name__)
                self.pages, self.said_at = 0, now


def headers(get_response: Answer) -> Answer:
    """Add the headers that Django has no setting for; a page is kept by nobody unless its view says otherwise."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if "Cache-Control" not in response.headers:
            patch_cache_control(response, no_store=True, private=True)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return answer


def language(get_response: Answer) -> Answer:
    """Speak the language of the person's cookie, else of their browser, as far as the deployment has it."""

    def answer(request: HttpRequest) -> HttpResponse:
        offered = [code for code, _ in deployment.languages()]
        wanted = translation.get_language_from_request(request)
        translation.activate(wanted if wanted in offered else offered[0])
        response = get_response(request)
        response.headers["Content-Language"] = translation.get_language() or "en"
        return response

    return answer


def known_host(get_response: Answer) -> Answer:
    """Refuse what was sent to another host's name: a page of somebody else may not speak through ours."""

    def answer(request: HttpRequest) -> HttpResponse:
        request.get_host()  # raises what becomes the page for a bad request
        return get_response(request)

    return answer


def database_away(get_response: Answer) -> Answer:
    """Answer 503 in the person's language when PostgreSQL does not answer us."""
    seldom = _Seldom()

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, database.AWAY):
            return None
        seldom.count(exception)
        return errors.unavailable(request)

    answer.process_exception = process_exception  # type: ignore[attr-defined]  # Django's protocol
    return answer

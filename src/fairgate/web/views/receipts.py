"""An applicant's receipts: all of them, one in words, and its text as a file."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.web import database, dates, qr, receipts, session, words
from fairgate.web.answers import page
from fairgate.web.receipts import Receipt
from fairgate.web.standing import Desk, history_context

SHOWN = 500


@require_safe
@session.applicant
def every(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        return page(request, "receipts.html", history_context(Desk(conn, number), SHOWN))


@require_safe
@session.applicant
def one(request: HttpRequest, number: str, leaf: int) -> HttpResponse:
    with database.connection() as conn:
        desk = Desk(conn, number)
        found = _found(desk, leaf)
        context = {
            "receipt": found,
            "code": qr.drawn(found.text),
            "ledger": request.build_absolute_uri("/ledger"),
            "what": words.history(found.done.kind, found.done.facts),
            "when": dates.moment(found.leaf.at, desk.zone),
            "facts": receipts.facts_in_words(desk.profile, found.done.facts, desk.zone),
        }
    return page(request, "receipt.html", context)


@require_safe
@session.applicant
def as_file(request: HttpRequest, number: str, leaf: int) -> HttpResponse:
    """The text alone, with nothing before or after it."""
    with database.connection() as conn:
        found = _found(Desk(conn, number), leaf)
    name = f'attachment; filename="receipt-{leaf}.txt"'
    return HttpResponse(found.text, content_type="text/plain; charset=utf-8", headers={"Content-Disposition": name})


def _found(desk: Desk, leaf: int) -> Receipt:
    """The receipt at a leaf; raises Http404 where nothing of this registration stands."""
    found = receipts.find(desk.conn, desk.registration.id, leaf)
    if found is None:
        raise Http404
    return found

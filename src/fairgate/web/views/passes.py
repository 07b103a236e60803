"""The pass of an applicant's appointment: a QR code to be shown at the port, on a phone or on paper."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.core.passes import expires
from fairgate.store import clock, passes
from fairgate.web import database, dates, deployment, qr, receipts, session
from fairgate.web.answers import page
from fairgate.web.standing import Context, Desk

GIVEN_UP = ("cancelled", "missed")  # whose pass, if there was one, is on the list of revoked ones


@require_safe
@session.applicant
def shown(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        return page(request, "pass.html", _context(Desk(conn, number)))


def _context(desk: Desk) -> Context:
    offer = desk.appointment
    if offer is None:
        given_up = desk.offer is not None and desk.offer.state in GIVEN_UP
        return {"appointment": False, "given_up": given_up}
    zone = desk.profile.port(offer.port).zone
    issued = passes.of_offer(desk.conn, offer.id)
    ends_at = issued.expires_at if issued else expires(offer.date, zone)
    held = {
        "appointment": True,
        "offer": offer,
        "port": deployment.shown_port(desk.profile, offer.port, offer.zone),
        "arrived": offer.state == "checked_in",
        "over": clock.now(desk.conn) >= ends_at,
        "ends": dates.moment(ends_at, zone),
    }
    receipt = issued and receipts.find(desk.conn, desk.registration.id, issued.leaf)
    if receipt is None:
        return {**held, "receipt": None}
    return {**held, "receipt": receipt, "code": None if held["over"] else qr.drawn(receipt.text)}

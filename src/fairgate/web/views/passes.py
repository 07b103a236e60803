"""The pass of an applicant's appointment: a QR code to be shown at the port, on a phone or on paper."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fairgate.store import passes
from fairgate.web import database, deployment, qr, receipts, session
from fairgate.web.answers import page
from fairgate.web.standing import Context, Desk


@require_safe
@session.applicant
def shown(request: HttpRequest, number: str) -> HttpResponse:
    with database.connection() as conn:
        return page(request, "pass.html", _context(Desk(conn, number)))


def _context(desk: Desk) -> Context:
    offer = desk.appointment
    if offer is None:
        return {"appointment": False}
    issued = passes.of_offer(desk.conn, offer.id)
    receipt = issued and receipts.find(desk.conn, desk.registration.id, issued.leaf)
    port = deployment.shown_port(desk.profile, offer.port, offer.zone)
    held = {"appointment": True, "offer": offer, "port": port}
    if receipt is None:
        return {**held, "receipt": None}
    return {**held, "receipt": receipt, "code": qr.drawn(receipt.text)}

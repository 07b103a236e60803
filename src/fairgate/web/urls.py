"""The addresses of all pages."""

from datetime import date

from django.urls import path, register_converter
from django.views.generic import RedirectView

from fairgate.web.views import (
    applicant,
    details,
    errors,
    figures,
    how,
    incidents,
    missing,
    notices,
    offer,
    officer,
    outage,
    passes,
    public,
    push,
    receipts,
    reports,
    results,
    sign_in,
    staff,
)


class IsoDate:
    """A date in an address; one that no calendar has is an address that does not exist."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class ProgramName:
    """A program in an address, as profiles name them."""

    regex = "[a-z][a-z0-9-]{0,39}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IsoDate, "isodate")
register_converter(ProgramName, "program")

urlpatterns = [
    path("", public.start, name="start"),
    path("language/<slug:code>", sign_in.language, name="language"),
    path("how-the-draw-works", how.how, name="how"),
    path("how/outage", outage.how_outage, name="how-outage"),
    path("draws/", public.draws, name="draws"),
    path("draws/<isodate:day>/", public.draw, name="draw"),
    path("draws/<program:program>/<isodate:day>/", public.draw, name="draw-of-program"),
    path("figures", figures.figures, name="figures"),
    path("ports", figures.ports, name="ports"),
    path("ports/<slug:code>", figures.port, name="port"),
    path("data/", figures.data, name="data"),
    path("data/draws/", RedirectView.as_view(pattern_name="draws")),  # who cuts the address of a table short
    path("data/draws/<isodate:day>/", RedirectView.as_view(pattern_name="draw")),
    path("data/draws/<program:program>/<isodate:day>/", RedirectView.as_view(pattern_name="draw-of-program")),
    path("results", results.results, name="results"),
    path("missing", missing.missing, name="missing"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("me", applicant.standing, name="standing"),
    path("me/request", applicant.ask, name="request"),
    path("me/withdraw", applicant.withdraw, name="withdraw"),
    path("me/restore", applicant.restore, name="restore"),
    path("me/confirm", offer.confirm, name="confirm"),
    path("me/decline", offer.decline, name="decline"),
    path("me/cancel", offer.cancel, name="cancel"),
    path("me/people", details.people, name="people"),
    path("me/people/<int:position>", details.person, name="person"),
    path("me/language", details.message_language, name="message-language"),
    path("me/push", push.push, name="push"),
    path("me/receipts", receipts.every, name="receipts"),
    path("me/receipts/<int:leaf>", receipts.one, name="receipt"),
    path("me/receipts/<int:leaf>.txt", receipts.as_file, name="receipt-file"),
    path("pass", passes.shown, name="pass"),
    path("staff/", staff.ports, name="staff"),
    path("staff/sign-in", staff.sign_in, name="staff-sign-in"),
    path("staff/sign-out", staff.sign_out, name="staff-sign-out"),
    path("staff/ports/<slug:port>", staff.port, name="staff-port"),
    path("staff/incidents", incidents.every, name="staff-incidents"),
    path("staff/incidents/<slug:number>", incidents.one, name="staff-incident"),
    path("staff/incidents/<slug:number>/over", incidents.over, name="staff-incident-over"),
    path("staff/notices", notices.failed, name="staff-notices"),
    path("api/v1/staff/session", officer.session, name="officer-session"),
    path("api/v1/notices/reports/<slug:provider>", reports.report, name="notice-report"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken

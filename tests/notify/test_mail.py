"""E-mail, with a real server at the other end."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fairgate.core.delivering import Fault
from fairgate.core.errors import BadInput
from fairgate.notify.channels import Message, Undeliverable
from fairgate.notify.configured import configured
from fairgate.notify.mail import Mail, server
from fairgate.notify.run import hand_over, send
from fairgate.notify.writing import Text
from notify_world import Kept, Office, adult, deliveries_of, registered, told
from smtp_server import Mailbox, mail_server
from time_world import NOON, TimeWorld

FROM = "notices@example.org"


def channel(box: Mailbox, query: str = "starttls=no") -> Mail:
    return Mail(server(f"smtp://127.0.0.1:{box.port}?{query}", FROM))


def message(to: str = "ana@example.org", subject: str = "You have an appointment") -> Message:
    text = Text("en", subject, "Come <early> & bring papers.\n\nFairgate", "Come.")
    return Message(7, 41, "0000-0012", "confirmed", to, text)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as opened:
        yield opened


def test_a_mail_says_the_same_as_text_and_as_html(box: Mailbox) -> None:
    mail = channel(box)
    mail.hand_over(message())
    mail.close()
    [sent] = box.mails
    assert box.recipients == ["ana@example.org"]
    assert (sent["From"], sent["To"], sent["Subject"]) == (FROM, "ana@example.org", "You have an appointment")
    assert sent["Message-ID"] == "<notice.41.7@example.org>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Content-Language"] == "en"
    text, html = sent.iter_parts()
    assert text.get_content().splitlines() == ["Come <early> & bring papers.", "", "Fairgate"]
    assert "<p>Come &lt;early&gt; &amp; bring papers.</p>\n<p>Fairgate</p>" in html.get_content().replace("\r\n", "\n")
    assert '<html lang="en">' in html.get_content()


def test_a_subject_stays_one_line_and_keeps_its_letters(box: Mailbox) -> None:
    mail = channel(box)
    mail.hand_over(message(subject="Usted rechazó el lugar\nBcc: all@example.org"))
    mail.close()
    [sent] = box.mails
    assert sent["Subject"] == "Usted rechazó el lugar Bcc: all@example.org"
    assert sent["Bcc"] is None


def test_a_batch_greets_the_server_once(box: Mailbox) -> None:
    mail = channel(box)
    for _ in range(3):
        mail.hand_over(message())
    mail.close()
    assert (len(box.mails), box.greeted) == (3, 1)


def test_an_answer_for_good_is_not_asked_for_again(box: Mailbox) -> None:
    mail = channel(box)
    box.answers["gone@example.org"] = "550 5.1.1 no such user"
    with pytest.raises(Undeliverable) as refused:
        mail.hand_over(message("gone@example.org"))
    assert refused.value.fault is Fault.REFUSED
    mail.hand_over(message())  # over the same connection
    box.data_answer = "554 5.7.1 not wanted"
    with pytest.raises(Undeliverable):
        mail.hand_over(message())
    mail.close()
    assert (box.recipients, box.greeted) == (["ana@example.org"], 1)


@pytest.mark.parametrize("answer", ["450 4.2.1 try later", "451 4.3.0 local error"])
def test_an_answer_for_now_is(box: Mailbox, answer: str) -> None:
    mail = channel(box)
    box.answers["ana@example.org"] = answer
    with pytest.raises(Exception, match=r"try later|local error") as error:
        mail.hand_over(message())
    assert not isinstance(error.value, Undeliverable)
    box.answers.clear()
    mail.hand_over(message())
    mail.close()
    assert box.recipients == ["ana@example.org"]


def test_letters_that_the_server_cannot_take_are_a_bad_address(box: Mailbox) -> None:
    mail = channel(box)
    with pytest.raises(Undeliverable) as refused:
        mail.hand_over(message("josé@example.org"))
    mail.close()
    assert refused.value.fault is Fault.BAD_ADDRESS


def test_a_server_that_was_away_is_found_again(world: TimeWorld) -> None:
    with mail_server() as gone:
        pass
    told(world, registered(world, adult("ana@example.org")))
    office = Office(world, Kept(), channel(gone))
    assert hand_over(office.desk)
    assert deliveries_of(world) == [("email", "waiting", None, 1)]
    with mail_server() as back:
        mail = channel(back)
        office.now = NOON + timedelta(minutes=1)
        assert send(office.desk, mail)
    assert back.recipients == ["ana@example.org"]
    assert deliveries_of(world) == [("email", "sent", None, 2)]


def test_people_get_their_notices_in_their_language(world: TimeWorld, box: Mailbox) -> None:
    told(world, registered(world, adult("ana@example.org"), adult("luz@example.org"), language="es"))
    told(world, registered(world, adult("joe@example.org"), adult("joe@example.org\nX: y")))
    office = Office(world, Kept(), channel(box))
    while hand_over(office.desk):
        pass
    found = {to: sent["Subject"] for to, sent in zip(box.recipients, box.mails, strict=True)}
    assert found == {
        "ana@example.org": "Su solicitud está retirada",
        "luz@example.org": "Su solicitud está retirada",
        "joe@example.org": "Your request is withdrawn",
    }
    assert sorted(state for _, state, _, _ in deliveries_of(world)) == ["failed", "sent", "sent", "sent"]


# -- secrets on the way -------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for 127.0.0.1 and its key in one file, trusted by this process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "mail.pem").write_bytes(pem + private)
    (tmp_path / "trusted.pem").write_bytes(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return tmp_path / "mail.pem"


def test_a_password_goes_over_tls_only(certificate: Path) -> None:
    with mail_server(certificate=certificate, login=True) as box:
        mail = Mail(server(f"smtp://fairgate:p%40ss%3Aword@127.0.0.1:{box.port}", FROM))
        mail.hand_over(message())
        mail.close()
    assert (box.secure, box.logins) == ([True], ["fairgate"])


def test_a_server_that_nobody_vouches_for_gets_no_mail(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with mail_server(certificate=certificate) as box, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        channel(box, "starttls=yes").hand_over(message())
    assert box.mails == []


def test_where_tls_was_asked_for_nothing_goes_without_it(box: Mailbox) -> None:
    with pytest.raises(Exception, match="STARTTLS"):
        channel(box, "starttls=yes").hand_over(message())
    assert box.mails == []


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairgate.notify.mail.PATIENCE_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mail = Mail(server(f"smtp://127.0.0.1:{silent.getsockname()[1]}", FROM))
        with pytest.raises(OSError, match="timed out"):
            mail.hand_over(message())


# -- setting up ---------------------------------------------------------------------------------


def test_with_nothing_set_up_there_is_no_channel() -> None:
    assert configured({}) == []
    assert configured({"FAIRGATE_MAIL_FROM": FROM}) == []


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://127.0.0.1", FROM),
        ("smtp://", FROM),
        ("smtp://mail.example.org:port", FROM),
        ("smtp://mail.example.org/inbox", FROM),
        ("smtp://mail.example.org?starttls=perhaps", FROM),
        ("smtp://mail.example.org?tls=yes", FROM),
        ("smtp://me:secret@mail.example.org?starttls=no", FROM),
        ("smtp://mail.example.org", "nobody"),
        ("smtp://mail.example.org", ""),
    ],
)
def test_what_is_set_up_wrongly_is_said_without_the_password(url: str, sender: str) -> None:
    with pytest.raises(BadInput, match="FAIRGATE_") as bad:
        configured({"FAIRGATE_SMTP_URL": url, "FAIRGATE_MAIL_FROM": sender})
    assert "secret" not in str(bad.value)


def test_ports_are_those_of_the_protocol() -> None:
    assert server("smtps://mail.example.org", FROM).port == 465
    found = server("smtp://mail.example.org", FROM)
    assert (found.port, found.starttls, found.tls) == (587, True, False)

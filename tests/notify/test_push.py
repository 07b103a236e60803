"""Notices on devices: encrypted for them, signed, sent to known push services only, forgotten when they are gone."""

import json
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from fairgate.commands.subscribe import Subscribe, Unsubscribe, subscribe, unsubscribe
from fairgate.core.delivering import Fault
from fairgate.core.errors import BadInput
from fairgate.core.numbers import new_number
from fairgate.core.webpush import KNOWN, Services, Subscription, encrypt, from_text, private_key, to_text
from fairgate.notify.channels import Message, NotTaken, Undeliverable
from fairgate.notify.configured import configured
from fairgate.notify.push import Push, public
from fairgate.notify.run import hand_over
from fairgate.notify.writing import Text
from fairgate.store import keys, subscriptions
from notify_world import Kept, Office, adult, deliveries_of, registered, told
from push_service import HERE, Device, PushService, push_service
from time_world import NOON, Group, TimeWorld

CONTACT = "mailto:operator@example.org"


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as found:
        yield found


@pytest.fixture
def channel(tmp_path: Path) -> Push:
    return Push(keys.load_push(tmp_path), CONTACT, HERE, lambda: NOON)


def message(device: Subscription, channel: Push) -> Message:
    to = channel.read(json.dumps(device.to_json()))
    assert to is not None
    return Message(7, 5, "K48J-2J9P", "withdrawn", to, Text("es", "Asunto", "largo", "Texto corto ñ"))


def subscribed(world: TimeWorld, group: Group, device: Device) -> None:
    act = Subscribe(group.number, device.subscription)
    [outcome] = subscribe(world.conn, [act], keys=world.keys, now=world.now, chance=os.urandom)
    assert outcome


def devices(world: TimeWorld) -> int:
    [count] = world.conn.execute("SELECT count(*) FROM push_subscription").fetchone()
    return count


def test_encryption_gives_the_bytes_of_rfc_8291() -> None:
    """Appendix A."""
    device = Subscription(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        from_text("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        from_text("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    own = ec.derive_private_key(
        int.from_bytes(from_text("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    salt = from_text("DGv6ra1nlYgDCS1FRnbzlw")
    assert to_text(encrypt(b"When I grow up, I want to be a watermelon", device, own=own, salt=salt)) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_device_reads_the_notice_and_nobody_else_does(service: PushService, channel: Push) -> None:
    device = Device(f"{service.origin}/device/1")
    sent = channel.hand_over(message(device.subscription, channel))
    [(path, headers, body)] = service.asked
    assert (path, sent.provider) == ("/device/1", "127.0.0.1")
    assert (headers["TTL"], headers["Urgency"], headers["Content-Encoding"]) == ("86400", "high", "aes128gcm")
    shown = {"title": "Asunto", "body": "Texto corto ñ", "lang": "es", "tag": "FG-5"}
    assert json.loads(device.read(body)) == shown
    with pytest.raises(InvalidTag):
        Device(device.subscription.endpoint).read(body)


def test_the_push_service_can_check_who_sends(service: PushService, channel: Push, tmp_path: Path) -> None:
    channel.hand_over(message(Device(f"{service.origin}/device/1").subscription, channel))
    scheme, _, said = service.asked[0][1]["Authorization"].partition(" ")
    token, _, key = said.partition(", k=")
    assert (scheme, token[:2]) == ("vapid", "t=")
    head, claims, signature = token[2:].split(".")
    assert json.loads(from_text(head)) == {"typ": "JWT", "alg": "ES256"}
    expires = int((NOON + timedelta(hours=12)).timestamp())
    assert json.loads(from_text(claims)) == {"aud": service.origin, "exp": expires, "sub": CONTACT}
    raw = from_text(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_text(key))
    point.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert point == keys.load_push(tmp_path).public_key()


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_forgotten(world: TimeWorld, service: PushService, channel: Push, status: int) -> None:
    group = registered(world, adult())
    gone, there = Device(f"{service.origin}/gone"), Device(f"{service.origin}/there")
    subscribed(world, group, gone)
    subscribed(world, group, there)
    service.answers["/gone"] = status
    office = Office(world, Kept(), channel)
    told(world, group)
    hand_over(office.desk)
    assert sorted(deliveries_of(world)) == [("push", "failed", Fault.GONE, 1), ("push", "sent", None, 1)]
    assert devices(world) == 1
    told(world, group)
    hand_over(office.desk)
    assert [path for path, _, _ in service.asked].count("/gone") == 1, "it is not sent to again"


@pytest.mark.parametrize("status", [302, 307, 400, 403, 413, 429, 500, 503])
def test_what_a_push_service_does_not_take_is_tried_again(
    world: TimeWorld, service: PushService, channel: Push, status: int
) -> None:
    group = registered(world, adult())
    subscribed(world, group, Device(f"{service.origin}/device"))
    service.answers["/device"] = status
    office = Office(world, Kept(), channel)
    told(world, group)
    hand_over(office.desk)
    assert deliveries_of(world) == [("push", "waiting", None, 1)]
    service.answers.clear()
    office.now = NOON + timedelta(minutes=1)
    hand_over(office.desk)
    assert deliveries_of(world) == [("push", "sent", None, 2)]
    assert [path for path, _, _ in service.asked] == ["/device", "/device"], "no redirect is followed"


def test_no_connection_is_held_while_a_device_is_told(world: TimeWorld, service: PushService, channel: Push) -> None:
    group = registered(world, adult())
    subscribed(world, group, Device(f"{service.origin}/device"))
    office = Office(world, Kept(), channel)
    lent: list[int] = []
    sends = channel.hand_over
    channel.hand_over = lambda given: lent.append(office.lent) or sends(given)  # type: ignore[method-assign]
    told(world, group)
    hand_over(office.desk)
    assert lent == [0]


def test_a_service_that_is_away_raises_what_is_tried_again(channel: Push) -> None:
    with push_service() as closed:
        device = Device(f"{closed.origin}/device")
    with pytest.raises(httpx.ConnectError):
        channel.hand_over(message(device.subscription, channel))


def test_an_answer_that_is_none_is_tried_again(service: PushService, channel: Push) -> None:
    device = Device(f"{service.origin}/device")
    service.answers["/device"] = 503
    with pytest.raises(NotTaken):
        channel.hand_over(message(device.subscription, channel))


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/1",
        "https://fcm.googleapis.com.example.org/1",
        "https://evil-push.apple.com@example.org/1",
        "https://fcm.googleapis.com:8443/1",
        "https://fcm.googleapis.com:x/1",
        "https://user:word@fcm.googleapis.com/1",
        "https://127.0.0.1/1",
        "https://[::1]/1",
        "https://localhost/1",
        "https://[/1",
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com/" + "a" * 2000,
        "file:///etc/passwd",
        "",
    ],
)
def test_an_endpoint_that_is_at_no_known_push_service_is_refused(channel: Push, tmp_path: Path, endpoint: str) -> None:
    kept = json.dumps(Device(endpoint).subscription.to_json())
    assert Push(keys.load_push(tmp_path), CONTACT).read(kept) is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-by3p.notify.windows.com/w/?token=abc",
    ],
)
def test_endpoints_of_browsers_are_taken(tmp_path: Path, endpoint: str) -> None:
    kept = json.dumps(Device(endpoint).subscription.to_json())
    assert Push(keys.load_push(tmp_path), CONTACT).read(kept) is not None


def test_a_known_name_that_leads_into_our_own_network_is_not_sent_to(service: PushService, tmp_path: Path) -> None:
    """With the name "localhost" among the known ones, and private addresses not allowed."""
    guarded = Push(keys.load_push(tmp_path), CONTACT, Services(("localhost",), ("https",)))
    device = Device("https://localhost/device")
    with pytest.raises(Undeliverable) as refused:
        guarded.hand_over(message(device.subscription, guarded))
    assert refused.value.fault is Fault.BAD_ADDRESS
    assert service.asked == []


def certificate(path: Path) -> Path:
    """For the name "localhost", with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_the_certificate_must_be_that_of_the_name_although_the_address_is_connected_to(tmp_path: Path) -> None:
    own = certificate(tmp_path / "push.pem")
    trust = ssl.create_default_context(cafile=str(own))
    near = Services(("localhost", "127.0.0.1"), private=True)
    key = keys.load_push(tmp_path)
    with push_service(own) as service:
        device = Device(f"https://localhost:{service.port}/device").subscription
        strict, trusting = Push(key, CONTACT, near), Push(key, CONTACT, near, trust=trust)
        trusting.hand_over(message(device, trusting))
        [(_, headers, _)] = service.asked
        assert (service.names, headers["Host"]) == (["localhost"], f"localhost:{service.port}")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            strict.hand_over(message(device, strict))
        other = Device(f"https://127.0.0.1:{service.port}/device").subscription
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            trusting.hand_over(message(other, trusting))
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("address", "open_to_all"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_addresses_are_of_the_open_internet(address: str, open_to_all: bool) -> None:
    assert public(address) is open_to_all


def test_what_is_stored_holds_nothing_in_the_open(world: TimeWorld) -> None:
    group = registered(world, adult())
    device = Device("https://fcm.googleapis.com/fcm/send/secret-device")
    subscribed(world, group, device)
    row = world.conn.execute("SELECT endpoint_hash, wrapped_key, blob FROM push_subscription").fetchone()
    kept = b"".join(row)
    for word in (b"googleapis", b"secret-device", device.auth, to_text(device.auth).encode(), b"endpoint"):
        assert word not in kept


def test_a_device_is_kept_once_and_the_oldest_of_eleven_goes(world: TimeWorld, channel: Push) -> None:
    group = registered(world, adult())
    known = [Device(f"https://fcm.googleapis.com/{n}") for n in range(subscriptions.MOST + 1)]
    for device in (known[0], *known[:-1]):
        subscribed(world, group, device)
        world.now += timedelta(seconds=1)
    assert devices(world) == 10
    [before] = world.conn.execute("SELECT endpoint_hash FROM push_subscription ORDER BY made_at LIMIT 1").fetchone()
    subscribed(world, group, known[-1])
    assert devices(world) == 10
    found = world.conn.execute("SELECT 1 FROM push_subscription WHERE endpoint_hash = %s", [before]).fetchone()
    assert found is None


def test_unsubscribing_forgets_one_device_of_one_registration(world: TimeWorld) -> None:
    ours, theirs = registered(world, adult()), registered(world, adult())
    device = Device("https://fcm.googleapis.com/shared")
    subscribed(world, ours, device)
    subscribed(world, theirs, device)
    act = Unsubscribe(ours.number, device.subscription.endpoint)
    assert unsubscribe(world.conn, [act, act], keys=world.keys) == [True, True]
    assert devices(world) == 1


def test_who_does_not_exist_has_no_device_and_leaves_no_leaf(world: TimeWorld) -> None:
    number = new_number(os.urandom)
    device = Device("https://fcm.googleapis.com/1").subscription
    leaves = world.conn.execute("SELECT size FROM ledger").fetchone()
    acts = [Subscribe(number, device)]
    assert subscribe(world.conn, acts, keys=world.keys, now=world.now, chance=os.urandom) == [False]
    assert unsubscribe(world.conn, [Unsubscribe(number, device.endpoint)], keys=world.keys) == [False]
    subscribed(world, registered(world, adult()), Device(device.endpoint))
    assert world.conn.execute("SELECT size FROM ledger").fetchone()[0] == leaves[0] + 1, "of registering alone"


def test_it_is_set_up_by_a_contact(tmp_path: Path) -> None:
    [channel] = configured({"FAIRGATE_PUSH_CONTACT": CONTACT}, tmp_path)
    assert channel.name == "push"
    path = tmp_path / "keys" / "push.key"
    assert path.stat().st_mode & 0o777 == 0o600
    for wrong in ("operator@example.org", "mailto:", "mailto:a b@c", "https://example.org"):
        with pytest.raises(BadInput, match="FAIRGATE_PUSH_CONTACT"):
            configured({"FAIRGATE_PUSH_CONTACT": wrong}, tmp_path)
    path.chmod(0o644)
    with pytest.raises(BadInput, match="may be read by others"):
        configured({"FAIRGATE_PUSH_CONTACT": CONTACT}, tmp_path)


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32])
def test_any_32_bytes_are_a_key(secret: bytes) -> None:
    assert private_key(secret).private_numbers().private_value > 0


def test_a_name_below_a_known_one_is_known() -> None:
    assert KNOWN.know("x.push.apple.com")
    assert not KNOWN.know("apple.com")

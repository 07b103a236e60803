"""Web push: what a browser's subscription may be, and what is sent to the push service behind it.

A browser that subscribes names an endpoint, an https address at its maker's push service, and a public key of its own.
A message is encrypted for that key (RFC 8291, over RFC 8188), so that the push service sees when and to
which device something is sent and never what; the request is signed with the deployment's key (VAPID, RFC 8292).
"""

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fairgate.core.canonical import canonical, read_json
from fairgate.core.errors import BadInput

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group of P-256
RECORD: Final = 4096  # bytes of the one record that a message is; push services take no more
PLAIN_MOST: Final = 3993  # what is left of it for the text (RFC 8291, section 4)
ENDPOINT_MOST: Final = 2000
SUBSCRIPTION_MOST: Final = 4000
AUTH_BYTES: Final = 16
SIGNED_FOR: Final = timedelta(hours=12)  # push services take at most a day
_CONTACT: Final = re.compile(r"mailto:[^\s@<>\"]+@[^\s@<>\"]+", re.ASCII)
_PLAIN: Final = re.compile(r"[!-~]+", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Services:
    """The push services that are sent to. A host beginning with a dot stands for all names below it.

    Who subscribes chooses where we send to, so it has to be somewhere known; and `private` says whether addresses
    inside our own network are taken too.
    """

    hosts: tuple[str, ...]
    schemes: tuple[str, ...] = ("https",)
    private: bool = False

    def know(self, host: str) -> bool:
        return any(host.endswith(known) if known.startswith(".") else host == known for known in self.hosts)


KNOWN: Final = Services(
    (
        "fcm.googleapis.com",  # Chrome, Edge on phones, Samsung Internet, Opera, Brave
        "updates.push.services.mozilla.com",
        ".push.services.mozilla.com",
        "web.push.apple.com",
        ".push.apple.com",
        ".notify.windows.com",  # Edge
    )
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A device of a person: `public` is its key as an uncompressed point, `auth` a secret that it shares with us."""

    endpoint: str
    public: bytes
    auth: bytes

    def to_json(self) -> dict[str, object]:
        return {"endpoint": self.endpoint, "p256dh": to_text(self.public), "auth": to_text(self.auth)}


def to_text(data: bytes) -> str:
    """base64url without padding, as everything about web push is written."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Reads what `to_text` wrote, with padding too; ValueError for anything else."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def read_subscription(text: str, services: Services = KNOWN) -> Subscription:
    """What `PushSubscription.toJSON()` gave in a browser; raises BadInput when nothing could be sent there."""
    said = read_json("subscription", text.encode(errors="replace"), SUBSCRIPTION_MOST)
    keys = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(keys, dict):
        raise BadInput("subscription", "has no endpoint and keys", "send what the browser gave")
    return _checked(said.get("endpoint"), keys.get("p256dh"), keys.get("auth"), services)


def from_json(kept: dict[str, object], services: Services = KNOWN) -> Subscription:
    """What `to_json` wrote; raises BadInput when it is not, or no more, one that is sent to."""
    return _checked(kept.get("endpoint"), kept.get("p256dh"), kept.get("auth"), services)


def _checked(endpoint: object, public: object, auth: object, services: Services) -> Subscription:
    if not isinstance(endpoint, str) or not isinstance(public, str) or not isinstance(auth, str):
        raise BadInput("subscription", "has no endpoint and keys", "send what the browser gave")
    refuse_endpoint(endpoint, services)
    try:
        point, secret = from_text(public), from_text(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise BadInput("subscription", "its keys are none", "send what the browser gave") from None
    if len(point) != 65 or len(secret) != AUTH_BYTES:
        raise BadInput("subscription", "its keys have another length", "send what the browser gave")
    return Subscription(endpoint, point, secret)


def refuse_endpoint(endpoint: str, services: Services) -> None:
    """Raises BadInput for an address that is not one of a known push service."""
    try:
        parts = urlsplit(endpoint) if len(endpoint) <= ENDPOINT_MOST and _PLAIN.fullmatch(endpoint) else None
        known = (
            parts is not None
            and parts.scheme in services.schemes
            and parts.username is None
            and parts.password is None
            and _HOST.fullmatch(parts.hostname or "") is not None
            and services.know(parts.hostname or "")
            and (parts.port is None or services.private)
        )
    except ValueError:  # a port that is no number, brackets that do not close
        known = False
    if not known:
        raise BadInput("subscription", "its endpoint is at no known push service", "use another browser")


def refuse_contact(contact: str) -> None:
    """Raises BadInput for what push services would not take as the address of who sends."""
    if not _CONTACT.fullmatch(contact):
        raise BadInput("FAIRGATE_PUSH_CONTACT", "is no mailto: address", "write it like mailto:operator@example.org")


def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key that 32 random bytes stand for."""
    return ec.derive_private_key(int.from_bytes(secret, "big") % (ORDER - 1) + 1, ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half as 65 bytes, which `to_text` makes the applicationServerKey of browsers."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def encrypt(plain: bytes, to: Subscription, *, own: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """The body of the request (RFC 8291, aes128gcm). `own` and the 16 bytes of `salt` are fresh for each message."""
    assert len(plain) <= PLAIN_MOST, "a notice in short is a few hundred bytes"
    assert len(salt) == 16, "RFC 8188 has 16 bytes of salt"
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), to.public))
    ours = public_point(own)
    material = _hkdf(to.auth, shared, b"WebPush: info\x00" + to.public + ours, 32)
    key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _hkdf(salt, material, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)  # 2: this record is the last


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)


def authorization(endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, now: datetime) -> str:
    """The Authorization header (RFC 8292): a JWT over the push service's origin, and the key to check it with."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + SIGNED_FOR).timestamp()),
        "sub": contact,
    }
    said = ".".join(to_text(canonical(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    signature = to_text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={said}.{signature}, k={to_text(public_point(key))}"

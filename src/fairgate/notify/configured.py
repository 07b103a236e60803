"""The channels that the environment sets up; with none of it notices are files.

FAIRGATE_SMTP_URL      the mail server, as smtp://user:password@mail.example.org:587?starttls=yes, or smtps://
FAIRGATE_MAIL_FROM     the address that mails come from
FAIRGATE_SMS_FILE      the file that names the providers of text messages (core/providers.py)
FAIRGATE_PUSH_CONTACT  the mailto: address that push services are told; with it notices go to devices too
"""

from collections.abc import Mapping
from pathlib import Path

from fairgate.core import webpush
from fairgate.core.errors import BadInput
from fairgate.notify.channels import Channel
from fairgate.notify.mail import Mail, server
from fairgate.notify.push import Push
from fairgate.notify.sms import Sms
from fairgate.store import keys, providers

HERE = Path("var")  # FAIRGATE_HOME when it is not set


def configured(environment: Mapping[str, str], home: Path = HERE) -> list[Channel]:
    """Every channel that is set up, with its key in `home`; raises BadInput where one is set up by half or wrongly."""
    channels: list[Channel] = []
    url, sender = environment.get("FAIRGATE_SMTP_URL"), environment.get("FAIRGATE_MAIL_FROM")
    if url and not sender:
        raise BadInput("FAIRGATE_MAIL_FROM", "is not set", "name the address that mails come from")
    if url and sender:
        channels.append(Mail(server(url, sender)))
    if file := environment.get("FAIRGATE_SMS_FILE"):
        channels.append(Sms(providers.load(Path(file))))
    if contact := environment.get("FAIRGATE_PUSH_CONTACT"):
        webpush.refuse_contact(contact)
        channels.append(Push(keys.load_push(home), contact))
    return channels

"""The channels that the environment sets up; with none of it notices are files.

FAIRGATE_SMTP_URL   the mail server, as smtp://user:password@mail.example.org:587?starttls=yes, or smtps://
FAIRGATE_MAIL_FROM  the address that mails come from
FAIRGATE_SMS_FILE   the file that names the providers of text messages (core/providers.py)
"""

from collections.abc import Mapping
from pathlib import Path

from fairgate.core.errors import BadInput
from fairgate.notify.channels import Channel
from fairgate.notify.mail import Mail, server
from fairgate.notify.sms import Sms
from fairgate.store import providers


def configured(environment: Mapping[str, str]) -> list[Channel]:
    """Every channel that is set up; raises BadInput where something is set up by half or wrongly."""
    channels: list[Channel] = []
    url, sender = environment.get("FAIRGATE_SMTP_URL"), environment.get("FAIRGATE_MAIL_FROM")
    if url and not sender:
        raise BadInput("FAIRGATE_MAIL_FROM", "is not set", "name the address that mails come from")
    if url and sender:
        channels.append(Mail(server(url, sender)))
    if file := environment.get("FAIRGATE_SMS_FILE"):
        channels.append(Sms(providers.load(Path(file))))
    return channels

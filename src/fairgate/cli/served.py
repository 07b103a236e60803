"""What the processes of `fairgate serve` load: the service, with log lines in their form from the first one on."""

import gc

from fairgate.cli import logs

logs.configure()

from fairgate.asgi import app  # noqa: E402  what is imported here may log already
from fairgate.core import base45  # noqa: E402  the same
from fairgate.web import deployment  # noqa: E402  the same

deployment.learn()  # known from the start, pages that need nothing else stand when the database goes
base45.encode(b"")  # makes its table before the first receipt waits for it
gc.collect()
gc.freeze()  # what is loaded by now stays: the collector need not look through it in the middle of a rush

__all__ = ["app"]

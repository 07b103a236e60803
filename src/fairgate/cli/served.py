"""What the processes of `fairgate serve` load: the service, with log lines in their form from the first one on."""

from fairgate.cli import logs

logs.configure()

from fairgate.asgi import app  # noqa: E402  what is imported here may log already

__all__ = ["app"]

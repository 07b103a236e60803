"""What a server runs (`granian fairgate.asgi:app`): the gate, and behind it the pages."""

import os

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairgate.web.settings")

from fairgate.gate.app import create_app
from fairgate.web.environment import STATIC

THREADS = 8  # as many as the pages have connections to the database

pages = WSGIMiddleware(get_wsgi_application(), workers=THREADS)  # type: ignore[arg-type]  # Django's own WSGI type
app = create_app(
    pages,  # type: ignore[arg-type]  # the same protocol under another name
    database_url=settings.DATABASE_URL,
    home=settings.FAIRGATE_HOME,
    front_end=STATIC,
)

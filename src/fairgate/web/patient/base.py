"""Django's PostgreSQL for staff accounts and sessions, over connections that wait for nobody for ever."""

from types import SimpleNamespace

import psycopg
from django.db.backends.postgresql import base

from fairgate.web.patient import Connection


class DatabaseWrapper(base.DatabaseWrapper):
    """Django takes `connect` and the kinds of errors from `Database`, and names the backend by its module."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]

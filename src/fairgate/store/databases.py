"""Whole databases of one server: made under one name, and put into the place of another when they are complete."""

from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from fairgate.store import counts

MAINTENANCE = "postgres"  # every server has it


def named(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def make_anew(url: str, name: str) -> str:
    """An empty database, whatever was under this name before; its URL."""
    with psycopg.connect(named(url, MAINTENANCE), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return named(url, name)


def put_in_place(url: str, name: str) -> None:
    """Let the database `name` take the place of the one that `url` names, which holds nothing that is needed."""
    target = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(named(url, MAINTENANCE), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(target)))


def is_unused(url: str) -> bool:
    """Whether nobody is registered there and no round was opened, or there are no tables at all."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("SELECT to_regclass('public.registration') IS NULL").fetchone()
        return bool(row and row[0]) or not counts.used(conn)

"""schema.sql, the book, and migrations/, the history, build the same database."""

from importlib.resources import files
from typing import LiteralString, cast

import psycopg
import pytest

from databases import Databases
from fairgate.store.migrate import migrate, pending

OURS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"

# What PostgreSQL itself says about everything in the database; the table of applied migrations is not in the book.
CATALOGUES: dict[str, str] = {
    "relations": f"""
        SELECT n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity, c.reloptions::text,
               c.relacl::text, obj_description(c.oid, 'pg_class')
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {OURS} AND c.relname NOT LIKE 'migration%'""",
    "columns": f"""
        SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), col.collname,
               a.attcompression::text, col_description(c.oid, a.attnum)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
          LEFT JOIN pg_collation col ON col.oid = a.attcollation
         WHERE {OURS} AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'migration%'""",
    "constraints": f"""
        SELECT n.nspname, c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), c.convalidated,
               obj_description(c.oid, 'pg_constraint')
          FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
         WHERE {OURS} AND c.conrelid::regclass::text <> 'migration'""",
    "indexes": f"""
        SELECT pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisvalid
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {OURS} AND i.indrelid::regclass::text <> 'migration'""",
    "triggers": f"""
        SELECT pg_get_triggerdef(t.oid), t.tgenabled::text
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {OURS} AND NOT t.tgisinternal""",
    "functions": f"""
        SELECT pg_get_functiondef(p.oid), p.proacl::text, obj_description(p.oid, 'pg_proc')
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE {OURS} AND p.prokind IN ('f', 'p')""",
    "views": f"""
        SELECT n.nspname, c.relname, pg_get_viewdef(c.oid)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {OURS} AND c.relkind IN ('v', 'm')""",
    "types": f"""
        SELECT n.nspname, t.typname, t.typtype::text, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
               (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE {OURS} AND t.typtype IN ('d', 'e', 'r')""",
    "sequences": """
        SELECT schemaname, sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle
          FROM pg_sequences""",
    "rules": "SELECT schemaname, tablename, rulename, definition FROM pg_rules WHERE schemaname = 'public'",
    "extensions": "SELECT extname, extversion FROM pg_extension",
}


def _describe(conn: psycopg.Connection) -> dict[str, list[str]]:
    return {
        name: sorted(str(row) for row in conn.execute(cast(LiteralString, query))) for name, query in CATALOGUES.items()
    }


def _contents(conn: psycopg.Connection) -> dict[str, list[str]]:
    tables = conn.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {
        name: sorted(
            text for (text,) in conn.execute(cast(LiteralString, f'SELECT to_jsonb(t)::text FROM public."{name}" t'))
        )
        for (name,) in tables
        if name != "migration"
    }


def _book() -> LiteralString:
    return cast(LiteralString, (files("fairgate.store") / "schema.sql").read_text(encoding="utf-8"))


@pytest.fixture
def two(databases: Databases):
    """One database built from the book and one from its history."""
    with (
        databases.new(migrated=False) as one,
        databases.new(migrated=False) as other,
        psycopg.connect(one, autocommit=True) as book,
        psycopg.connect(other, autocommit=True) as history,
    ):
        book.execute(_book())
        migrate(history)
        yield book, history


@pytest.mark.parametrize("catalogue", [*CATALOGUES])
def test_the_book_equals_the_sum_of_the_migrations(two, catalogue: str):
    book, history = two
    assert _describe(book)[catalogue] == _describe(history)[catalogue]


def test_the_book_and_the_migrations_fill_in_the_same_rows(two):
    book, history = two
    assert _contents(book) == _contents(history)


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ("ALTER TABLE slot ALTER capacity SET DEFAULT 7", "columns"),
        ("DROP INDEX program_due", "indexes"),
        ("ALTER TABLE slot DROP CONSTRAINT slot_never_oversold", "constraints"),
        ("COMMENT ON TABLE slot IS 'changed'", "relations"),
        ("CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'", "functions"),
    ],
)
def test_the_comparison_notices(two, change: LiteralString, noticed: str):
    book, history = two
    history.execute(change)
    assert _describe(book)[noticed] != _describe(history)[noticed]


def test_migrating_again_does_nothing(conn: psycopg.Connection):
    before = _describe(conn)
    assert pending(conn) == []
    assert migrate(conn) == []
    assert _describe(conn) == before

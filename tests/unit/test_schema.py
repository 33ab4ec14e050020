"""The centre's schema: one way up, history that cannot be edited, and models that say the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from server import schema
from server.db import open_centre
from sync import sqlite


def test_an_upgrade_makes_a_new_database_and_a_second_one_changes_nothing(tmp_path: Path):
    path = tmp_path / "centre.db"
    assert schema.upgrade(path, now=1, dice=bytes) == ""
    db = open_centre(path)
    named = db.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()[0]
    tables = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    db.close()
    assert schema.upgrade(path, now=2) == schema.HEAD
    db = open_centre(path)
    assert db.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()[0] == named
    assert [tuple(row) for row in db.execute("SELECT name, sql FROM sqlite_master ORDER BY name")] == [
        tuple(row) for row in tables
    ]
    schema.check(db)


def test_a_fresh_centre_for_tests_is_the_migrated_one(tmp_path: Path):
    schema.upgrade(tmp_path / "centre.db")
    question = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    migrated = open_centre(tmp_path / "centre.db").execute(question).fetchall()
    assert [tuple(row) for row in schema.fresh().execute(question)] == [tuple(row) for row in migrated]


def test_the_migrations_end_where_the_program_expects_it():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations" / "central"))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_the_migrated_schema_is_what_the_models_say():
    """Columns, defaults, checks and indexes alike: statement by statement."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    from server.tables import METADATA

    engine = create_engine("sqlite://", poolclass=StaticPool)
    METADATA.create_all(engine)
    question = (
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL"
        " AND name <> 'alembic_version'"
    )
    with engine.connect() as connection:
        told = {name: _words(sql) for name, sql in connection.exec_driver_sql(question).fetchall()}
    made = {name: _words(sql) for name, sql in schema.fresh().execute(question)}
    assert made == told, "write an Alembic revision for what the models say now"


def _words(sql: str) -> list[str]:
    """Order of clauses aside: Alembic and SQLAlchemy list foreign keys differently."""
    return sorted(sql.replace(",", " ").replace("(", " ( ").replace(")", " ) ").split())


def test_defaults_of_the_models_are_defaults_of_the_database():
    db = schema.fresh()
    db.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R', 'r', 'r')")
    db.execute("INSERT INTO store (code, name_en, name_zh, region) VALUES ('S', 's', 's', 'R')")
    row = db.execute("SELECT kind, rank, active, paused, opening_hours FROM store").fetchone()
    assert tuple(row) == ("store", 100, 1, 0, "{}")


def test_a_database_of_another_revision_is_refused_with_the_next_step():
    db = schema.fresh()
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(schema.SchemaError, match="9999"):
        schema.check(db)


ROWS = {
    "fact": "INSERT INTO fact (store, incarnation, number, kind, received_at, verdict, chain, raw)"
    " VALUES ('S', 'i', 1, 'sold', 1, 'applied', 'c', x'00')",
    "decision": "INSERT INTO decision (store, number, kind, at, chain, raw)"
    " VALUES ('S', 1, 'k', 1, 'c', x'00')",
    "event": "INSERT INTO event (at, kind) VALUES (1, 'k')",
    "stock_ledger": "INSERT INTO stock_ledger (store, sku, at, reason) VALUES ('S', 'X', 1, 'k')",
}


@pytest.mark.parametrize("table", schema.APPEND_ONLY)
def test_history_cannot_be_edited_deleted_or_replaced(table: str):
    db = schema.fresh()
    db.execute(ROWS[table])
    column = {"fact": "kind", "decision": "kind", "event": "kind", "stock_ledger": "reason"}[table]
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(f"UPDATE {table} SET {column} = 'other'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(f"DELETE FROM {table}")
    if table in ("fact", "decision"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(ROWS[table].replace("INSERT", "INSERT OR REPLACE"))
    assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 1


@pytest.mark.parametrize("table", schema.APPEND_ONLY)
def test_retention_deletes_old_history_and_closes_the_door_behind_itself(table: str):
    db = schema.fresh()
    db.execute(ROWS[table])
    with sqlite.writing(db), schema.retention(db, table):
        db.execute(f"DELETE FROM {table}")
    assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    db.execute(ROWS[table])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(f"DELETE FROM {table}")


def test_a_parked_fact_gets_its_final_verdict_and_nothing_else_of_it_changes():
    db = schema.fresh()
    db.execute(ROWS["fact"].replace("applied", "parked"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("UPDATE fact SET verdict = 'applied', raw = x'01'")
    db.execute("UPDATE fact SET verdict = 'applied', note = 'later'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("UPDATE fact SET verdict = 'stale'")

"""Handhelds of the store and the codes that set them up. Of this box alone: never part of a snapshot."""

SQL = """
CREATE TABLE handheld (
  id TEXT PRIMARY KEY,                    -- as facts name the device
  name TEXT NOT NULL,
  key_hash TEXT NOT NULL DEFAULT '',      -- of its own secret; empty: used here, but never set up
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL DEFAULT '',      -- the person whose code it was
  seen_at INTEGER NOT NULL DEFAULT 0,
  seen_by TEXT NOT NULL DEFAULT '',
  ended_at INTEGER NOT NULL DEFAULT 0     -- lost, stolen or given away: nobody signs in on it
) STRICT, WITHOUT ROWID;

CREATE TABLE handheld_code (
  code_hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,                     -- what the handheld will be called
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,       -- wrong codes typed while this one was open
  used_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
"""

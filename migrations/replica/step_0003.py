"""Counts of more than one SKU: sheets with areas, what was entered where, and differences that wait."""

SQL = """
CREATE TABLE count_sheet (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,                     -- list: these SKUs, each in one go; full: area by area
  name TEXT NOT NULL DEFAULT '',
  scope TEXT NOT NULL DEFAULT '',         -- shelves whose place begins so
  blind INTEGER NOT NULL DEFAULT 1,
  made_by TEXT NOT NULL DEFAULT '',       -- empty: the centre asked
  made_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open',     -- open, closed, cancelled
  closed_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE count_area (
  sheet TEXT NOT NULL REFERENCES count_sheet (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,                -- goods come and go through number 1
  area TEXT NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,    -- of the last fact before it was finished
  person TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sheet, area)
) STRICT, WITHOUT ROWID;

CREATE TABLE count_entry (
  command TEXT PRIMARY KEY,
  sheet TEXT NOT NULL,
  area TEXT NOT NULL,
  sku TEXT NOT NULL,
  found INTEGER NOT NULL,
  there INTEGER NOT NULL,                 -- what should have been on all shelves at that moment
  position INTEGER NOT NULL,
  person TEXT NOT NULL,
  at INTEGER NOT NULL,
  void INTEGER NOT NULL DEFAULT 0         -- a later entry took its place
) STRICT, WITHOUT ROWID;
CREATE INDEX count_entry_sheet ON count_entry (sheet, sku, area);

CREATE TABLE count_doubt (                -- stock was loaded by the centre while a full count went on
  sheet TEXT NOT NULL,
  sku TEXT NOT NULL,
  PRIMARY KEY (sheet, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE variance (                   -- at most one waits per SKU: the newest
  sku TEXT PRIMARY KEY,
  sheet TEXT NOT NULL DEFAULT '',
  expected INTEGER NOT NULL,
  found INTEGER NOT NULL,
  position INTEGER NOT NULL,
  moved INTEGER NOT NULL DEFAULT 0,
  counted_by TEXT NOT NULL DEFAULT '',    -- ids, separated by spaces
  tasks TEXT NOT NULL DEFAULT '',
  looked_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open'      -- open, applied, again
) STRICT, WITHOUT ROWID;
CREATE INDEX variance_open ON variance (looked_at) WHERE state = 'open';

ALTER TABLE task ADD COLUMN sheet TEXT NOT NULL DEFAULT '';
CREATE INDEX task_sheet ON task (sheet) WHERE sheet <> '';
"""

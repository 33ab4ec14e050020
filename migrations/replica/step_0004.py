"""Tills that tell later: rows of their files, sales taken back, and when each SKU was last counted."""

SQL = """
CREATE TABLE till_void (                  -- sales that a till took back; units of one line of a sale
  id TEXT PRIMARY KEY,
  sale_line TEXT NOT NULL,                -- till_sale.id
  qty INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX till_void_line ON till_void (sale_line);

CREATE TABLE till_row (                   -- what a till told after it had happened, each once
  id TEXT PRIMARY KEY,                    -- what it is, the sale, the line: `sale:T1-0815/2`
  state TEXT NOT NULL,                    -- booked, unclear
  reason TEXT NOT NULL DEFAULT '',        -- why it is unclear
  body TEXT NOT NULL,                     -- JSON: the row
  at INTEGER NOT NULL                     -- when it was first heard
) STRICT, WITHOUT ROWID;
CREATE INDEX till_row_unclear ON till_row (at) WHERE state = 'unclear';
CREATE INDEX till_row_at ON till_row (at);

CREATE TABLE till_file (                  -- what the last files of the tills brought
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  heard_at INTEGER NOT NULL,
  report TEXT NOT NULL                    -- JSON
) STRICT;

CREATE TABLE last_count (                 -- a sale told later than this may be in the count already
  sku TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

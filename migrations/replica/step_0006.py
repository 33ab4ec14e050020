"""Printers of the store, and what waits to be printed. Of this box alone: never part of a snapshot."""

SQL = """
CREATE TABLE printer (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,                     -- zpl, escpos, pdf
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  width_mm REAL NOT NULL,
  height_mm REAL NOT NULL,
  dpi INTEGER NOT NULL,
  trouble TEXT NOT NULL DEFAULT '',       -- why the last try did not get through
  trouble_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE print_job (
  number INTEGER PRIMARY KEY,             -- printed in this order
  id TEXT NOT NULL UNIQUE,                -- the command that asked, and which paper of it
  paper TEXT NOT NULL,                    -- parcel, tote, pickup, pick_list, handover, test
  subject TEXT NOT NULL,                  -- what it is about: a parcel's code, a fence, a wave, a manifest
  printer TEXT NOT NULL,
  copies INTEGER NOT NULL,
  language TEXT NOT NULL,
  person TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting',  -- waiting, sending, printed, unsure, stopped
  tries INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX print_job_open ON print_job (printer, number) WHERE state IN ('waiting', 'sending');
"""

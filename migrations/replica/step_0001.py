"""The replica as first released."""

SQL = """
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- store, incarnation, host, centre_incarnation, session, facts_acked, facts_prunable,
-- decisions_number, decisions_chain, stream_<name> (cursors), clock_*, pause

CREATE TABLE fact (
  number INTEGER PRIMARY KEY,
  raw BLOB NOT NULL,
  chain TEXT NOT NULL,
  kind TEXT NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  person TEXT NOT NULL,
  device TEXT NOT NULL,
  command TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  verdict TEXT NOT NULL DEFAULT '',       -- '' until acknowledged, then applied, late, stale, forced, parked
  note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX fact_fence ON fact (fence, number) WHERE fence > 0;

CREATE TABLE command (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  person TEXT NOT NULL,
  device TEXT NOT NULL,
  at INTEGER NOT NULL,
  outcome TEXT NOT NULL                   -- JSON: what the first try answered, given again to every repeat
) STRICT, WITHOUT ROWID;

CREATE TABLE stock (
  sku TEXT PRIMARY KEY,
  on_hand INTEGER NOT NULL DEFAULT 0,
  share INTEGER NOT NULL DEFAULT 0 CHECK (share >= 0),
  debt INTEGER NOT NULL DEFAULT 0,
  damaged INTEGER NOT NULL DEFAULT 0,
  hold INTEGER NOT NULL DEFAULT 0,
  suppressed INTEGER NOT NULL DEFAULT 0   -- not found: not offered again until counted
) STRICT, WITHOUT ROWID;

CREATE TABLE assignment (
  fence INTEGER PRIMARY KEY,
  -- columns of the centre
  fo TEXT NOT NULL,
  order_no TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT '',
  offered_at INTEGER NOT NULL,
  accept_by INTEGER NOT NULL,
  promised_by INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 1,
  shopper TEXT NOT NULL DEFAULT '',
  phone_tail TEXT NOT NULL DEFAULT '',
  code_salt TEXT NOT NULL DEFAULT '',
  code_hash TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  confirmed INTEGER NOT NULL DEFAULT 0,
  owner_until INTEGER NOT NULL DEFAULT 0,
  withdrawn INTEGER NOT NULL DEFAULT 0,
  withdrawn_at INTEGER NOT NULL DEFAULT 0,
  withdrawn_reason TEXT NOT NULL DEFAULT '',
  withdrawn_to TEXT NOT NULL DEFAULT '',
  withdrawn_to_at INTEGER NOT NULL DEFAULT 0,
  -- columns of the store
  progress TEXT NOT NULL DEFAULT 'offered', -- how far this store's own facts have got
  ended_at INTEGER NOT NULL DEFAULT 0,    -- the store said its turn is over (withdrawal taken, hold expired)
  expired INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'offered',  -- follows from all the others: sync.replica.effects.settle
  ownership TEXT NOT NULL DEFAULT 'none', -- likewise
  accepted_at INTEGER NOT NULL DEFAULT 0,
  accepted_by TEXT NOT NULL DEFAULT '',
  wave TEXT NOT NULL DEFAULT '',
  tote TEXT NOT NULL DEFAULT '',
  picker TEXT NOT NULL DEFAULT '',        -- who has claimed the pick
  location TEXT NOT NULL DEFAULT '',      -- staging location
  manifest TEXT NOT NULL DEFAULT '',
  released_at INTEGER NOT NULL DEFAULT 0,
  released_by TEXT NOT NULL DEFAULT '',
  collector TEXT NOT NULL DEFAULT '',
  code_tries INTEGER NOT NULL DEFAULT 0,
  changed_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX assignment_state ON assignment (state, accept_by);
CREATE INDEX assignment_order ON assignment (order_no);
CREATE INDEX assignment_fo ON assignment (fo);
CREATE INDEX assignment_wave ON assignment (wave) WHERE wave <> '';
CREATE INDEX assignment_manifest ON assignment (manifest) WHERE manifest <> '';
CREATE INDEX assignment_due ON assignment (owner_until) WHERE ownership = 'confirmed' AND owner_until > 0;
CREATE INDEX assignment_personal ON assignment (changed_at) WHERE shopper <> '' OR address <> '';

CREATE TABLE assignment_line (
  fence INTEGER NOT NULL REFERENCES assignment (fence) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,
  order_line INTEGER NOT NULL DEFAULT 0,
  sellable TEXT NOT NULL DEFAULT '',
  picked INTEGER NOT NULL DEFAULT 0,
  short INTEGER NOT NULL DEFAULT 0,
  released INTEGER NOT NULL DEFAULT 0,
  put_back INTEGER NOT NULL DEFAULT 0,
  later INTEGER NOT NULL DEFAULT 0,       -- pick later: how often it was put off
  open INTEGER NOT NULL DEFAULT 1,        -- the assignment is still to be worked, so its units are promised
  PRIMARY KEY (fence, line),
  CHECK (picked >= 0 AND short >= 0 AND released >= 0 AND put_back >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_line_sku ON assignment_line (sku) WHERE open = 1;
CREATE INDEX assignment_line_loose ON assignment_line (sku) WHERE picked > released + put_back;

CREATE TABLE serial (                     -- a piece with a number of its own is picked once
  sku TEXT NOT NULL,
  serial TEXT NOT NULL,
  fence INTEGER NOT NULL,
  line INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (sku, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX serial_line ON serial (fence, line, at);

CREATE TABLE parcel (
  code TEXT PRIMARY KEY,
  fence INTEGER NOT NULL REFERENCES assignment (fence) ON DELETE CASCADE,
  lines TEXT NOT NULL,                    -- JSON [[line, qty], …]
  manifest TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX parcel_fence ON parcel (fence);

CREATE TABLE manifest (
  code TEXT PRIMARY KEY,
  courier TEXT NOT NULL,
  state TEXT NOT NULL,                    -- open, handed_over
  opened_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE goods_return (
  id TEXT PRIMARY KEY,
  order_no TEXT NOT NULL DEFAULT '',
  line INTEGER NOT NULL DEFAULT 0,
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,
  graded INTEGER NOT NULL DEFAULT 0,      -- units of it that were graded
  reason TEXT NOT NULL DEFAULT '',
  bought_elsewhere INTEGER NOT NULL DEFAULT 0,
  received_at INTEGER NOT NULL,
  received_by TEXT NOT NULL,
  grade TEXT NOT NULL DEFAULT '',
  disposition TEXT NOT NULL DEFAULT '',
  sale TEXT NOT NULL DEFAULT ''           -- the till's sale it came back from
) STRICT, WITHOUT ROWID;
CREATE INDEX goods_return_open ON goods_return (received_at) WHERE graded < qty;
CREATE INDEX goods_return_order ON goods_return (order_no) WHERE order_no <> '';
CREATE INDEX goods_return_sale ON goods_return (sale) WHERE sale <> '';

CREATE TABLE returnable (                 -- what the centre said an order allows
  order_no TEXT NOT NULL,
  line INTEGER NOT NULL,
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,                   -- what could still come back when it was told
  told_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (order_no, line, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE task (                       -- directed counts and other work that is no assignment
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,                     -- count, receive
  sku TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'open',     -- open, done
  reason TEXT NOT NULL DEFAULT '',
  not_by TEXT NOT NULL DEFAULT '',
  made_at INTEGER NOT NULL,
  done_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX task_open ON task (sku) WHERE state = 'open';

CREATE TABLE transfer (
  code TEXT NOT NULL,
  direction TEXT NOT NULL,                -- in, out
  other TEXT NOT NULL,                    -- the other location's code
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  PRIMARY KEY (code, direction, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE till_sale (                  -- a sale of a till is booked once
  id TEXT PRIMARY KEY,                    -- the till's number and the line: `A-17/1`
  sale TEXT NOT NULL,
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX till_sale_sale ON till_sale (sale);

CREATE TABLE notice (                     -- plain-word messages to staff, until somebody has dealt with them
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  params TEXT NOT NULL,                   -- JSON
  at INTEGER NOT NULL,
  done_at INTEGER NOT NULL DEFAULT 0,
  done_by TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_open ON notice (at) WHERE done_at = 0;

CREATE TABLE item (
  sku TEXT PRIMARY KEY,
  name_en TEXT NOT NULL,
  name_zh TEXT NOT NULL,
  detail_en TEXT NOT NULL DEFAULT '',
  detail_zh TEXT NOT NULL DEFAULT '',
  price_fen INTEGER NOT NULL DEFAULT 0,
  serialised INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE gtin (
  gtin TEXT PRIMARY KEY,                  -- always 14 digits
  sku TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gtin_sku ON gtin (sku);

CREATE TABLE shelf (sku TEXT PRIMARY KEY, location TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE sellable (
  code TEXT PRIMARY KEY, name_en TEXT NOT NULL, name_zh TEXT NOT NULL, parts TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE store (
  code TEXT PRIMARY KEY, name_en TEXT NOT NULL, name_zh TEXT NOT NULL,
  region TEXT NOT NULL DEFAULT '', timezone TEXT NOT NULL DEFAULT 'UTC'
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, pin_hash TEXT NOT NULL,
  language TEXT NOT NULL DEFAULT 'en', active INTEGER NOT NULL DEFAULT 1,
  wrong_pins INTEGER NOT NULL DEFAULT 0, locked_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE web_session (                -- who is signed in on which handheld
  token TEXT PRIMARY KEY,                 -- hash of the cookie
  person TEXT NOT NULL,
  device TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot_part (              -- a snapshot on its way in; swapped in one transaction when whole
  id TEXT NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (id, part)
) STRICT, WITHOUT ROWID;
"""

"""What moved each SKU in this store, as its own people and the centre did it: the stock page says why."""

SQL = """
CREATE TABLE movement (                   -- told once, when it happens; never part of a snapshot or a digest
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,                     -- kind of the fact or decision
  units INTEGER NOT NULL,
  on_hand INTEGER NOT NULL DEFAULT 0,
  share INTEGER NOT NULL DEFAULT 0,
  debt INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  person TEXT NOT NULL DEFAULT '',        -- empty: the centre, or the node by itself
  note TEXT NOT NULL DEFAULT ''           -- reason, paper, other store, what became of it
) STRICT;
CREATE INDEX movement_sku ON movement (sku, id);
"""

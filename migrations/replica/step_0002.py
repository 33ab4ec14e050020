"""What a SKU's share and pool are for, as the centre has learnt it: units that arrive are split by it."""

SQL = """
CREATE TABLE need (
  sku TEXT PRIMARY KEY,
  till REAL NOT NULL,
  online REAL NOT NULL,
  favour REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""

"""Schema changes: `central` (Alembic) for the centre, `replica` (numbered steps) for store nodes."""

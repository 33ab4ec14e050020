"""The centre's schema, step by step, by Alembic. `server.schema` runs it."""

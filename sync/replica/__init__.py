"""The store's SQLite: tables, log, effects of facts and decisions, commands. The record of the store."""

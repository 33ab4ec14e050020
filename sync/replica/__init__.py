"""The store's SQLite: tables, log, effects of facts and decisions, commands. The record of the store.

`open` brings a file up to date, `commands.perform` is how people change it, `decisions` how the
centre does, `rebase` how a snapshot does, `timers` what time does. `effects` is the only place where a
fact changes tables. Every function takes an open transaction and tells no clock by itself.
"""

"""Plays real order lines through the product itself, on virtual time, in one process.

The centre's core, the stores' replicas and both ends of the conversation are the
real ones, on real SQLite files; only sockets, clocks and people are simulated. What
comes out are figures, and an audit of the databases that the run has left behind.
"""

"""Judges a finished or running system from its databases alone.

The auditor shares no code with the product: it opens the centre's and the stores'
SQLite files, repeats the arithmetic and the hashing with its own hands, and counts
violations per rule of the design. A wrong rule in the product therefore cannot
excuse itself here.
"""

from server.audit.auditor import Auditor, audit
from server.audit.verdict import RULES, Audit

__all__ = ["RULES", "Audit", "Auditor", "audit"]

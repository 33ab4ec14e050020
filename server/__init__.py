"""The centre: it makes promises, and repairs what facts do to them. One folder per capability."""

# Here and not in each program: whatever of the centre is imported first, the process has the one
# SQLite build before anything can load another.
import sync.sqlite  # noqa: F401

"""The web face of a store node: the pages that handhelds open, the tills' small API, `yipan-store`.

HTML first, by Jinja2 and htmx, from the store's own replica, so every page answers while the
line to the centre is cut. Nothing is decided here: a page asks a command of the node and
shows what the rules answered. This room knows `sync` and never `server`.
"""

# Whatever of this room is imported first, the process has the one SQLite build before any other.
import sync.sqlite  # noqa: F401

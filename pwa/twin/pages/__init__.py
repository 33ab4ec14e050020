"""The pages that a handheld draws by itself: from its extract to a template and its data.

Twins of the `views` and `pages` of each activity, for as long as the store node is away: what is
shown, which commands a form asks for (`plan_…`), and what is shown after them (`after_…`). `who` is
the person at the handheld, `args` what the address said beyond the path, `t` gives words in their
language. What only the store node knows (a shopper's name, an order's history) is left out, not guessed.
"""

from pwa.twin.pages import (
    anywhere,
    base,
    counter,
    courier,
    forms,
    kept,
    offers,
    packing,
    picking,
    putback,
    refused,
    returns,
    signin,
)

MODULES = (
    base,
    forms,
    refused,
    kept,
    offers,
    picking,
    packing,
    counter,
    courier,
    putback,
    returns,
    signin,
    anywhere,
)
"""Each may use what stands before it."""

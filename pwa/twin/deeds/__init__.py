"""What a person does at a handheld, applied to its extract while the store node is away.

The twin of sync/replica/commands, over the open tasks that the device holds; one module for each
activity. It shows the person what their work comes to; the store node does the same commands again,
under the same ids, when it is back, and its word counts. Written in the part of Python that
`rules.py` turns into JavaScript.

`extract` is what `extract.py` makes. `ctx` tells who, when and under which command: `now`, `latest`
(the centre's time at most), `person`, `fresh` (texts for new codes), `code_fits` (a pickup code that
the caller has checked), `read` (a scanned code as GTIN and serial). A refusal raises `No`.
"""

from pwa.twin.deeds import base, counter, courier, leaving, offers, packing, picking, putback, returns
from pwa.twin.deeds.counter import hand_over, undo_hand_over
from pwa.twin.deeds.courier import load, open_manifest, ship, unload
from pwa.twin.deeds.offers import accept, decline
from pwa.twin.deeds.packing import pack, stage
from pwa.twin.deeds.picking import pick, pick_later, scan, short, start_wave, undo_pick
from pwa.twin.deeds.putback import put_back
from pwa.twin.deeds.returns import take_return

MODULES = (base, offers, putback, picking, packing, leaving, counter, courier, returns)
"""Each may use what stands before it."""
DEEDS = {
    deed.__name__: deed
    for deed in (
        *(accept, decline),
        *(start_wave, scan, pick, undo_pick, short, pick_later),
        *(pack, stage),
        *(hand_over, undo_hand_over),
        *(open_manifest, load, unload, ship),
        *(put_back, take_return),
    )
}
"""What a handheld may do alone, by the names of the store node's commands."""

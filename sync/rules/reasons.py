"""One catalogue of reasons for declines and short picks: what each does next."""

from __future__ import annotations

from dataclasses import dataclass

LOST_RIGHTS = "lost_rights"
"""Why a count is asked for where a replica was lost or restored: its rights are void until then."""


@dataclass(frozen=True)
class Reason:
    code: str
    text: str
    """English sentence shown to staff; the message id of its translation."""
    for_decline: bool
    for_short: bool
    suppresses_sku: bool = False
    """The SKU is not promised from here until it has been counted."""
    asks_count: bool = False
    leaves_store_out_h: int = 24
    """Hours for which routing leaves this store out for this SKU (short) or, for a decline, 0."""
    pauses_store: bool = False
    shopper_text: str = ""


def _(text: str) -> str:
    return text


REASONS: dict[str, Reason] = {
    r.code: r
    for r in (
        Reason("not_found", _("Not found"), True, True, suppresses_sku=True, asks_count=True),
        Reason("damaged", _("Damaged"), True, True),
        Reason("display_worn", _("Only the worn display piece is left"), True, True),
        Reason("label_mismatch", _("Label and goods do not match"), False, True, asks_count=True),
        Reason("sold_to_walk_in", _("Just sold to a walk-in shopper"), True, True),
        Reason("no_time", _("No time, too few staff"), True, False, leaves_store_out_h=0),
        Reason(
            "store_closing",
            _("Store closes or has an outage"),
            True,
            False,
            leaves_store_out_h=0,
            pauses_store=True,
        ),
        Reason("shopper_cancelled", _("The shopper cancelled"), True, True, leaves_store_out_h=0),
    )
}

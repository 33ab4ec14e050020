"""Every kind of fact in a few plain words, for histories and for what waits to be sent."""

from __future__ import annotations

from sync.texts import N_

FACTS: dict[str, str] = {
    "accepted": N_("Accepted"),
    "declined": N_("Declined"),
    "pick_started": N_("Picking begun"),
    "picked": N_("Picked"),
    "pick_undone": N_("Pick taken back"),
    "shorted": N_("Short pick"),
    "packed": N_("Packed"),
    "staged": N_("Put on a waiting shelf"),
    "handed_over": N_("Handed over"),
    "handover_undone": N_("Handover taken back"),
    "shipped": N_("Given to the courier"),
    "put_back": N_("Put back"),
    "withdrawal_taken": N_("Withdrawal noted"),
    "hold_expired": N_("Hold ended"),
    "owned_before": N_("Was ours before the centre was restored"),
    "sold": N_("Sold at the till"),
    "sale_returned": N_("Returned at the till"),
    "sale_voided": N_("Sale taken back at the till"),
    "till_unclear": N_("Told by a till, not booked"),
    "received": N_("Received"),
    "transfer_sent": N_("Sent to another store"),
    "counted": N_("Counted"),
    "sheet_opened": N_("Count opened"),
    "count_entered": N_("Counted in an area"),
    "area_finished": N_("Area finished or opened again"),
    "variance_found": N_("Count with a difference"),
    "recount_asked": N_("Counted again"),
    "sheet_closed": N_("Count closed"),
    "adjusted": N_("Taken out of sale"),
    "returned": N_("Return taken"),
    "graded": N_("Return graded"),
    "gave": N_("Share given to the pool"),
    "credited": N_("Debt settled"),
    "store_paused": N_("Store paused or opened"),
}

WORKS_OFFLINE: tuple[str, ...] = (
    N_("Accept offers that are already here. The centre confirms when the line is back."),
    N_("Pick, pack, stage and put back."),
    N_("Hand over and ship what was confirmed before the line was cut."),
    N_("Take returns, count, receive, send goods on, sell at the till."),
)
WAITS_FOR_LINE: tuple[str, ...] = (
    N_("New offers from the centre."),
    N_("Handing over what is not confirmed yet, unless the lead allows it."),
)

"""Stock per location and SKU. `book` is its only writer; debts are paid here; digests compare it."""

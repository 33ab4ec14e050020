"""Walking the shelves: a wave of orders, one tote each, picked by scanning."""

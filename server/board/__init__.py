"""The live page of regional managers, and the pages it opens: store, order, SKU, cases, outbox."""

"""What channels, tills and ERP systems call: orders, availability, catalogue, stock, events.

API types are structs of this room; table classes never cross it.
"""

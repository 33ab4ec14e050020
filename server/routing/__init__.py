"""Choosing the location: complete > nearest > priority, split as last resort. Pure, on a map kept in memory."""

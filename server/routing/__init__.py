"""Choosing the location: complete > nearest > priority, split as last resort; on a map kept in memory."""

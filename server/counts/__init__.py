"""Counts at stores as the centre sees them: asked for, under way, what they found, and how that went on."""

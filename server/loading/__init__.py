"""Uploads: rows, JSON and CSV into the centre. A bad line is told in plain words, good lines are kept."""

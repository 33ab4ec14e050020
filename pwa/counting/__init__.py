"""Counts of many things: lists, full counts area by area, and differences that wait for a second person."""

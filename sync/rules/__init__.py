"""What centre, store node and handheld judge alike. Pure functions and tables, no clock, no I/O."""

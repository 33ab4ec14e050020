"""A small chain that runs by itself: centre, four stores, shoppers, and lines that can be cut.

The demo uses the product only from outside: real processes, the HTTP API, the
stores' own pages and till API, and a TCP proxy as each store's line, so that
what a visitor sees is what a chain would see. Nothing of the product knows
that it runs in a demo, except that the board shows a switch per line.
"""

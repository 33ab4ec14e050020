"""The world, the policies and the picture of `bench/pool.py`."""

"""The conversation between a store and the centre, without sockets.

Both ends take an open transaction, a clock reading and a frame, and return the
frames to send once the caller has committed. Everything that can go wrong on a
line can so be played through in a test, from one seed.
"""

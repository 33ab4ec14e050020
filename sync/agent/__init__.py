"""The running store node: one writer thread, the websocket to the centre, the store's timers."""

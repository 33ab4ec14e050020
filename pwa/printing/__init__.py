"""Paper: what is printed for the store, how each kind of printer is told, and the queue to them."""

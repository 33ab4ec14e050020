"""Stock in this store: look up, count, receive, send on, take out of sale."""

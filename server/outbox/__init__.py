"""What happened, for people and programs outside: the event history and the signed messages to channels."""

"""How the store stands: the line, what waits to be sent, notices, and everything else there is to do."""

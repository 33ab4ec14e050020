"""How a manager gets in: id and PIN, a session cookie, a limit on guessing."""

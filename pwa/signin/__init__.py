"""Who works on this handheld: a name, a PIN, a session that ends when nobody uses it."""

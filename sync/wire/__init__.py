"""What travels between centre and store node: frames, facts, decisions, and their codec. Pure."""

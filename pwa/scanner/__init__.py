"""What this handheld's scanner is like, and the codes that press buttons."""

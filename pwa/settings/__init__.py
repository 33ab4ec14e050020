"""How one handheld looks, sounds and lies in the hand. Kept on the device, for whoever holds it."""

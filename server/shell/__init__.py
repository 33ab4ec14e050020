"""The commands of `yipan`, one module per thing an operator does. Thin: the rooms do the work."""

"""People with PINs, and channels with keys: loaded, published, checked."""

"""Items, their GTINs, bundles, channel listings and shelves: loaded, checked, published."""

"""What a courier takes: a manifest, its parcels, the handing over."""

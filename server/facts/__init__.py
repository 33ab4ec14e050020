"""What stores report, applied to the centre: never refused, one verdict each."""

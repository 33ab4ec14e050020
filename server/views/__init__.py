"""What a channel may see and take of the pool: safety stock, thresholds, quotas. Views, never other stock."""

"""The shopper's orders: placed, cancelled, read. What a location works is a fulfilment order (see offers)."""

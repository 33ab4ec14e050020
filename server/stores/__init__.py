"""Regions, stores and warehouses: loaded, published, paused."""

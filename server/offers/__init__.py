"""Offer, ownership, release: who holds which fulfilment order, under a fence that only grows."""

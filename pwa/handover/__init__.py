"""At the counter: find the order, check the code, hand it over; for a short while take it back."""

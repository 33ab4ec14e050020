"""What a person must settle, in plain words, with the facts and a suggested remedy."""

"""The tills' small API at the store node: may I sell this, it was sold, it came back."""

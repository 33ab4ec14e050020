"""The centre: it makes promises, and repairs what facts do to them. One folder per capability."""

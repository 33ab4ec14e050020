"""What the centre and the store nodes share: the rules, the wire, the conversation, the replica.

`server` and `pwa` stand on this package; it knows neither.
"""

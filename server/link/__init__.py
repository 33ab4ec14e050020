"""The centre's side of the link: its logs in SQL, how decisions are written, and the websocket endpoint."""

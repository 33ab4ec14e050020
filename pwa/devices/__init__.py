"""The store's handhelds: set up by a code at the lead's screen, listed, named, ended; the app itself."""

"""HTTPS for the store's own pages: certificate, listening socket, and telling people plainly how it stands.

Browsers give offline work, camera and a lasting store only to pages from a secure address.
"""

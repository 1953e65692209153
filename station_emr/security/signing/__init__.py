"""Digital signatures: keys on tokens and in files, PDF and XML, what issuers say of certificates.

Start-up must not pay for any of it: only :mod:`.tools` is imported by the composition root, and that
loads the rest when it is first used.
"""

"""The provincial server: keeps what the stations of a province send, each facility by itself.

It shares no code with the desktop program; FHIR R4 over HTTP is their only contract.
"""

__version__ = "0.1.0"

"""Values and rules of the record. Pure Python: no I/O, no clock, no Qt, no SQL."""

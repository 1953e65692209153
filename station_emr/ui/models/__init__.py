"""What lies between use cases and screens: the session and Qt item models."""

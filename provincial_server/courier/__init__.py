"""What stations bring and take on a USB stick (docs/courier.md)."""

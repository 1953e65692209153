"""What the province hands out to its stations: code lists and word of a new program."""

"""What the province knows of its stations: counts and times, never a person."""

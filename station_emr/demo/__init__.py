"""A made-up station: people, a year of visits and one scripted day. Nothing here is real."""

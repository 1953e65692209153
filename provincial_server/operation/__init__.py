"""Running the server: configuration, backup, checks, metrics and logs."""

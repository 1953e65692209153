"""The same use cases from the command line, without Qt."""

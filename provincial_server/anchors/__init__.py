"""Where the logs of the stations stood, day by day: a log that was cut or rewritten shows here."""

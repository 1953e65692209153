"""The encrypted store. The file's name is here, so that asking for it loads no SQL."""

DATABASE_FILE = "station.db"

"""One person, records at several stations: proposals, consent, and reading with consent."""

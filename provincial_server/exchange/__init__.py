"""The exchange: operations kept as they came, numbered without a gap, given back page by page
(docs/sync.md, "The exchange")."""

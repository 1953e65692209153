"""What only PostgreSQL has: roles, row-level security, guards, time-outs (docs/server.md)."""

"""The engine that carries signed records to the province. docs/sync.md says how and why."""

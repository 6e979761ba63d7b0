"""The console's own tables: the audit log."""

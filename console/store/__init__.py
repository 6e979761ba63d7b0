"""The console's own tables: the audit log, accounts and sessions, tokens and links."""

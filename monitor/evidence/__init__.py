"""What may be checked by those who trust nobody: the log, its keys and notes, its packs."""

"""Backups: made, checked to the last byte, put back."""

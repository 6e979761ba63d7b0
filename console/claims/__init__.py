"""Exclusions and reclassifications: claimed by one, decided by another, and what a decision changes."""

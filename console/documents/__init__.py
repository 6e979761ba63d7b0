"""Files that people hand in: put aside, kept, given back."""

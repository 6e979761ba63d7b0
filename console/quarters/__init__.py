"""A quarter from the store to its statement and through the statement's life."""

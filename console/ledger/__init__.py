"""The ledger of points as a list and a file: columns, exports, imports in two steps, what changed when."""

"""What pages and endpoints show of contracts and statements: read models, each quick enough for many persons at once."""

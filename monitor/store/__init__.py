"""Tables, queries and the single Writer."""

"""What it is worth: contracts as data, rules, statements."""

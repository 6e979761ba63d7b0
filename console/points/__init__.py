"""A single point and all that its page shows: outages, changes, records, money."""

"""Settlement's part of the database: contracts, statements, the authority's figures, money."""

"""Money beside statements: what is due, payments, invoices, budgets, the books."""

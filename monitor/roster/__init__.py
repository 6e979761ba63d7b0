"""The point ledger as the offices keep it: spreadsheets in, differences shown, spreadsheets out."""

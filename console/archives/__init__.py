"""The raw archive's life: which days are owed a file, what stays how long, rates from files alone."""

"""What travels with an installation."""

"""The rows as trees of decisions, which any target can write."""

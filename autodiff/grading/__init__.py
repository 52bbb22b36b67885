"""Checking what other people write: their own engine, their own gradient."""

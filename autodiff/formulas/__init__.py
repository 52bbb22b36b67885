"""Formulas: the rows of calculus read with symbols, how people write them, and how they are read as text."""

"""How many units in the last place every derivative is off: `python tests/accuracy` measures and writes the table."""

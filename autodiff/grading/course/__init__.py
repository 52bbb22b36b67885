"""Engines as they are handed in: files run at arm's length, alone or a class; reports as other tools read them."""

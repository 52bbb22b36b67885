"""From a tape to the Python that runs it: on floats, or on NumPy arrays."""

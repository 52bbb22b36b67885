"""Reading a graph for people: drawings, steps, derivations, pages."""

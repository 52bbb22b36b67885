"""What drawings and stories both read from a graph: names, orders, formulas, the modules that own its leaves."""

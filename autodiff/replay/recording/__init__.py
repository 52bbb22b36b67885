"""From a graph of Values to columns, made canonical, and its like nodes put side by side."""

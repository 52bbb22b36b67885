"""What every room may use and knows no node: arguments, labels, files."""

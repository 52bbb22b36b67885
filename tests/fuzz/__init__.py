"""Random graphs over every row of the calculus, judged by 40 digits and by PyTorch: `python tests/fuzz --help`."""

"""Whether numbers can be trusted: gradients against differences, and where a nan or an inf began."""

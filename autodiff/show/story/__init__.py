"""The story of a gradient in numbers and names: its steps, the chain rule written down, what another order loses."""

"""Numbers at which operations have their edges, and some that are ordinary."""

import math

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.3, 2.5, -700.0, 1e-310, 1e200, math.inf, -math.inf, math.nan]

"""The tape: a flat program over registers, its reverse pass, and the table of its moves."""

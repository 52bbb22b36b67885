"""The story of a gradient with its picture, to step through: in a notebook, on a page, in a terminal."""

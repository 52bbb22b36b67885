"""A graph as a picture, in four steps: `fold` what is too much, `reading` to a scene, `dot`, `render`."""

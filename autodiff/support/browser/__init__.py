"""Python in a browser (Pyodide): whether this is one, and WebAssembly that the browser runs beside it."""

import sys

IS_HERE = sys.platform == "emscripten"

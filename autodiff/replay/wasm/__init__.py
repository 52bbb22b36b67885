"""WebAssembly: how it is written, the code that is built of it, the virtual machine, and what runs all of it."""

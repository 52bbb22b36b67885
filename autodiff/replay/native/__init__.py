"""What the processor runs: a tape as loop nests, a recording as data of the virtual machine."""

"""LLVM: the verbs of loop nests in its language, and what makes machine code of that and runs it."""

"""The engine, which is read in one sitting, in this order.

1. `ops`: the calculus, one row per operation, with the functions of floats in `elementary`. A row that people add is
   tried by `support.trial`.
2. `value`: a node of the graph, one use of a row; `record` is what it remembers of that, and how it is copied and
   pickled; `outside` is what it answers to the standard library and to NumPy.
3. `backward`: the walk and the backward pass, with the textbook's plain loops beside the fast ones.
4. `gradient`: the same pass with Values in place of numbers, so that gradients can be differentiated again.
5. `functions` and `reductions`: the operations as public functions; `arguments` serves the others.
"""

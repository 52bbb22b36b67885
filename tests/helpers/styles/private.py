"""Private attributes behind properties that cannot be set."""


class Value:
    def __init__(self, x):
        self.__x = x
        self.__g = 0.0
        self._rules = []

    @property
    def data(self):
        return self.__x

    @property
    def grad(self):
        return self.__g

    def _accumulate(self, g):
        self.__g += g

    def __add__(self, other):
        out = Value(self.data + other.data)
        out._rules = [(self, lambda g: g), (other, lambda g: g)]
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data)
        out._rules = [(self, lambda g, y=other.data: g * y), (other, lambda g, x=self.data: g * x)]
        return out

    def backward(self):
        seen, order = set(), []

        def dfs(n):
            seen.add(id(n))
            for p, _ in n._rules:
                if id(p) not in seen:
                    dfs(p)
            order.insert(0, n)

        dfs(self)
        self._accumulate(1.0)
        for n in order:
            for p, f in n._rules:
                p._accumulate(f(n.grad))

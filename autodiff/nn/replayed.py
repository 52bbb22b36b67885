"""Steps of the training loop on recorded graphs; imported when `fit` is asked to replay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autodiff.nn.training import Eager, as_graph
from autodiff.replay import Descent, Samples, added, length, scaled, vector


class Replayed(Eager):
    """The same steps on graphs that are recorded once, all in arrays."""

    def __init__(self, eager: Eager, data: Sequence[Any]) -> None:
        vars(self).update(vars(eager))
        self.eager = eager
        parameters = self.optimizer.parameters
        self.values = vector([parameter.data for parameter in parameters])
        self.samples = Samples(
            (as_graph(self.loss(self.model(x), target)) for x, target in data), parameters, self.values
        )
        self.regulariser = Samples([as_graph(self.penalty())], parameters, self.values) if self.penalty else None
        self.descent = Descent(self.optimizer, parameters, self.values)
        self.gradient: Any = None  # of the last step, as it was descended
        if not self.samples.depends and not (self.regulariser and self.regulariser.depends):
            raise ValueError(
                "the loss depends on none of the optimizer's parameters: was it given those of this model?"
            )

    def step(self, places: Sequence[int], batch: Sequence[Any], *, outputs: bool) -> list[Any]:
        """Make one step; return the outputs before it, if they are asked for."""
        loss, gradient = self.samples.gradient(self.values, places)
        if self.regulariser is not None:
            penalty, slopes = self.regulariser.gradient(self.values, [0])
            loss, gradient = loss + penalty, added(gradient, slopes)
        norm = length(gradient)
        finite = math.isfinite(loss) and math.isfinite(norm)
        if outputs or not finite:
            self.write_back()
        if not finite:
            self.gradient = None  # from here on it is the eager step's
            results = self.eager.step(places, batch, outputs=outputs)  # raises, and says where it began
            self.resume()  # or it can do better
            return results
        results = [self.model(inputs) for inputs, _ in batch] if outputs else []
        if self.max_norm is not None and self.max_norm < norm + 1e-6:
            gradient = scaled(gradient, self.max_norm / (norm + 1e-6))
        self.descent.step(gradient)
        self.gradient = gradient
        self.history.loss.append(loss)
        self.history.gradient_norm.append(norm)
        return results

    def write_back(self) -> None:
        """Set the parameters to where the steps have led, and their gradients to the last step's."""
        if self.descent.ahead and self.gradient is not None:
            depends = self.samples.depends | (self.regulariser.depends if self.regulariser else set())
            self.optimizer.zero_grad()
            for place in depends:
                self.optimizer.parameters[place].grad = float(self.gradient[place])
        self.descent.write_back()

    def resume(self) -> None:
        """Go on from where the parameters are now."""
        self.descent = Descent(self.optimizer, self.optimizer.parameters, self.values)

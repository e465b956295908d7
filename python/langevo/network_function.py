"""The function of a network with given parameters, in NumPy."""

import dataclasses
import itertools
import math

import numpy
from numpy.typing import ArrayLike

from langevo.run_file import Run, RunFileError

ACTIVATIONS = {
    "tanh": numpy.tanh,
    "relu": lambda a: numpy.maximum(a, 0),
    "sigmoid": lambda a: (1 + numpy.tanh(a / 2)) / 2,
    "identity": lambda a: a,
    "softplus": lambda a: numpy.logaddexp(0, a),
    "gelu": lambda a: a * (1 + _erf(a / math.sqrt(2))) / 2,
}
_erf = numpy.vectorize(math.erf, otypes=[float])  # NumPy has none


@dataclasses.dataclass(frozen=True)
class NetworkFunction:
    """Fully connected: h_0 = input, h_{l+1} = activation(W_l h_l + b_l), the last layer linear.

    Parameters are in PyTorch's order, layer by layer: the weights row by row, W[j, k] of output j and input k, then
    the biases; the last layer has biases only with ``output_bias``.
    """

    widths: tuple[int, ...]
    activation: str
    output_bias: bool

    @classmethod
    def of_run(cls, run: Run) -> "NetworkFunction":
        """The network that a run's configuration describes."""
        network = {key: run.setting(key) for key in ("widths", "activation", "output-bias")}
        for key, value in network.items():
            if value is None:
                raise RunFileError(f"the configuration of '{run.path}' has no '{key}'; draw its weights instead")
        if network["activation"] not in ACTIVATIONS:
            raise RunFileError(f"'{run.path}' has the activation '{network['activation']}', which is unknown here")
        return cls(tuple(network["widths"]), network["activation"], bool(network["output-bias"]))

    @property
    def parameter_count(self) -> int:
        return sum(
            width * (fan_in + self._has_bias(layer))
            for layer, (fan_in, width) in enumerate(itertools.pairwise(self.widths))
        )

    def __call__(self, parameters: ArrayLike, inputs: ArrayLike) -> numpy.ndarray:
        """The network's outputs.

        @param parameters  (parameter,)
        @param inputs      (point, input_dim)
        @return            (point, output_dim)
        @raise ValueError  for arrays of other sizes
        """
        parameters = numpy.asarray(parameters, dtype=float)
        values = numpy.asarray(inputs, dtype=float)
        if parameters.shape != (self.parameter_count,):
            raise ValueError(f"parameters have the shape {parameters.shape}; give ({self.parameter_count},)")
        if values.ndim != 2 or values.shape[1] != self.widths[0]:
            raise ValueError(f"inputs have the shape {values.shape}; give (points, {self.widths[0]})")
        begin = 0
        for layer, (fan_in, width) in enumerate(itertools.pairwise(self.widths)):
            end = begin + width * fan_in
            values = values @ parameters[begin:end].reshape(width, fan_in).T
            begin = end
            if self._has_bias(layer):
                values = values + parameters[begin : begin + width]
                begin += width
            if not self._is_last(layer):
                values = ACTIVATIONS[self.activation](values)
        return values

    def _is_last(self, layer):
        return layer == len(self.widths) - 2

    def _has_bias(self, layer):
        return self.output_bias or not self._is_last(layer)

"""Parameters for PyTorch and networks from it. PyTorch is imported when one of the functions is called."""

from typing import TYPE_CHECKING, Any, Literal

import numpy
import numpy.typing

from langevo._core import Network
from langevo.run_file import Run

if TYPE_CHECKING:
    import torch

WORDS = {
    "Tanh": "tanh",
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "Identity": "identity",
    "Softplus": "softplus",
    "GELU": "gelu",
}
#: What another module of the same name would have to be set to.
SETTINGS: dict[str, dict[str, object]] = {"Softplus": {"beta": 1}, "GELU": {"approximate": "none"}}


def to_torch_state_dict(
    run_or_parameters: Run | numpy.typing.ArrayLike,
    network: Network | None = None,
    names: Literal["sequential", "layers"] = "sequential",
) -> "dict[str, torch.Tensor]":
    """The parameters of a network as a state dict, in double.

    run_or_parameters: the parameters [N], or [replicas, N] for tensors whose first dimension is the replica (as
        ``torch.func.stack_module_state`` has them), or a run, for the mean of its replicas at its last record.
    network: which they are of; None: the run's own.
    names: 'sequential' for a torch.nn.Sequential of Linear layers with an activation between any two ("0.weight",
        "2.weight"), 'layers' for the names of the run file ("layers.0.weight").
    Raises ValueError where the parameters are not as many as the network has.
    """
    import torch

    if isinstance(run_or_parameters, Run):
        network = _network_of(run_or_parameters) if network is None else network
        parameters = _last_mean(run_or_parameters)
    else:
        parameters = numpy.array(run_or_parameters, dtype=numpy.float64)
    if network is None:
        raise ValueError("parameters alone do not tell their network; give it")
    if parameters.ndim not in (1, 2) or parameters.shape[-1] != network.parameter_count:
        raise ValueError(
            f"the parameters have the shape {list(parameters.shape)}, but {network} has {network.parameter_count}"
            " parameters; give [N] or [replicas, N]"
        )
    if names not in ("sequential", "layers"):
        raise ValueError(f"names is '{names}'; give 'sequential' or 'layers'")
    state = {}
    begin = 0
    for name, shape in _shapes(network):
        layer, part = name
        end = begin + int(numpy.prod(shape))
        values = parameters[..., begin:end].reshape(*parameters.shape[:-1], *shape)
        key = f"{2 * layer}.{part}" if names == "sequential" else f"layers.{layer}.{part}"
        state[key] = torch.tensor(values)
        begin = end
    return state


def from_torch(module: "torch.nn.Sequential") -> tuple[Network, numpy.typing.NDArray[numpy.float64]]:
    """The network that a Sequential of Linear layers and activations is, and its parameters [N] in double.

    Between two Linear layers there is one activation, the same throughout, or none, which is the identity.
    Raises ValueError with a sentence where langevo has no such network.
    """
    import torch

    if not isinstance(module, torch.nn.Sequential):
        raise ValueError(f"the module is a {type(module).__name__}; give a torch.nn.Sequential")
    linear: list[Any] = []
    activations: list[str] = []
    is_activated = True  # whether a Linear layer may come without the identity before it
    for part in module:
        if isinstance(part, torch.nn.Linear):
            if not is_activated:
                activations.append("identity")
            linear.append(part)
            is_activated = False
        else:
            if is_activated:
                raise ValueError(f"{part} does not follow a Linear layer; put one in front of it")
            activations.append(_activation_word(part))
            is_activated = True
    if not linear:
        raise ValueError("the module has no Linear layer; give at least one")
    if is_activated:
        raise ValueError(f"the module ends with an activation ({activations[-1]}); end it with a Linear layer")
    if len(set(activations)) > 1:
        raise ValueError(f"the module has the activations {', '.join(activations)}; use one for all hidden layers")
    for layer in linear[:-1]:
        if layer.bias is None:
            raise ValueError(f"the hidden layer {layer} has no biases; langevo's hidden layers have them")
    widths = [linear[0].in_features, *(layer.out_features for layer in linear)]
    network = Network(widths, activations[0] if activations else "tanh", linear[-1].bias is not None)
    tensors = [tensor.detach().to("cpu", torch.float64) for layer in linear for tensor in layer.parameters()]
    return network, torch.cat([tensor.reshape(-1) for tensor in tensors]).numpy()


def _activation_word(part: Any) -> str:
    kind = type(part).__name__
    if kind not in WORDS:
        raise ValueError(f"{part} is no activation that langevo knows; use one of {', '.join(WORDS)}")
    for name, value in SETTINGS.get(kind, {}).items():
        if getattr(part, name, value) != value:
            raise ValueError(f"{part} is not the {WORDS[kind]} that langevo knows; use {name}={value!r}")
    return WORDS[kind]


def _shapes(network: Network) -> list[tuple[tuple[int, str], tuple[int, ...]]]:
    shapes: list[tuple[tuple[int, str], tuple[int, ...]]] = []
    layers = len(network.widths) - 1
    for layer, (fan_in, fan_out) in enumerate(zip(network.widths, network.widths[1:], strict=False)):
        shapes.append(((layer, "weight"), (fan_out, fan_in)))
        if network.output_bias or layer + 1 < layers:
            shapes.append(((layer, "bias"), (fan_out,)))
    return shapes


def _network_of(run: Run) -> Network:
    """The network that a run's configuration says."""
    settings = run.configuration
    if "widths" not in settings:
        raise ValueError(f"'{run.path}' does not say which network it is of; give the network")
    return Network(settings["widths"], settings.get("activation", "tanh"), settings.get("output-bias", True))


def _last_mean(run: Run) -> numpy.typing.NDArray[numpy.float64]:
    if "parameter_mean" not in run.ensemble or run.ensemble.sizes["time"] == 0:
        raise ValueError(f"'{run.path}' stores no parameters; run with record_parameters='mean'")
    return numpy.array(run.ensemble["parameter_mean"][-1], dtype=numpy.float64)

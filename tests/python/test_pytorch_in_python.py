"""The Python package beside PyTorch: the same losses, gradients and parameters. Skipped without PyTorch."""

import os
import re

import langevo
import numpy as np
import pytest

torch = pytest.importorskip("torch")

ACTIVATIONS = {
    "tanh": torch.nn.Tanh(),
    "relu": torch.nn.ReLU(),
    "sigmoid": torch.nn.Sigmoid(),
    "identity": torch.nn.Identity(),
    "softplus": torch.nn.Softplus(),
    "gelu": torch.nn.GELU(),
}
LOSSES = {"mse": torch.nn.MSELoss(), "huber": torch.nn.HuberLoss(), "cross-entropy": torch.nn.CrossEntropyLoss()}


def module_of(network):
    layers = []
    for fan_in, fan_out in zip(network.widths, network.widths[1:], strict=False):
        is_last = len(layers) == 2 * (len(network.widths) - 2)
        layers.append(torch.nn.Linear(fan_in, fan_out, bias=network.output_bias or not is_last, dtype=torch.float64))
        if not is_last:
            layers.append(ACTIVATIONS[network.activation])
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("kind", list(LOSSES))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("output_bias", [True, False])
def test_loss_and_gradient_are_those_of_pytorch(kind, activation, output_bias):
    random = np.random.default_rng(3)
    network = langevo.Network([4, 9, 6, 3], activation, output_bias)
    inputs = random.normal(size=(31, 4))
    targets = random.integers(0, 3, 31) if kind == "cross-entropy" else 2 * random.normal(size=(31, 3))
    problem = langevo.Problem(network, inputs, targets, kind)
    ensemble = langevo.Ensemble(problem, langevo.Metropolis(), 1e-3, 1, backend="cpu")
    x = random.normal(size=network.parameter_count)

    module = module_of(network)
    module.load_state_dict(langevo.to_torch_state_dict(x, network))
    loss = LOSSES[kind](module(torch.tensor(inputs)), torch.tensor(targets))
    loss.backward()
    expected = torch.cat([parameter.grad.reshape(-1) for parameter in module.parameters()]).numpy()
    assert ensemble.loss(x) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(ensemble.gradient(x), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_there_and_back(activation):
    network = langevo.Network([2, 5, 1], activation, output_bias=False)
    x = np.random.default_rng(4).normal(size=network.parameter_count)
    module = module_of(network)
    module.load_state_dict(langevo.to_torch_state_dict(x, network))
    same, parameters = langevo.from_torch(module)
    assert repr(same) == repr(network)
    np.testing.assert_array_equal(parameters, x)


def test_names_and_replicas():
    network = langevo.Network([2, 3, 1])
    states = np.random.default_rng(6).normal(size=(5, network.parameter_count))
    stacked = langevo.to_torch_state_dict(states, network, names="layers")
    assert list(stacked) == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    assert stacked["layers.0.weight"].shape == (5, 3, 2)
    for name in network.parameter_names:
        key, row, column = re.fullmatch(r"(.*)\[(\d+)(?:,(\d+))?\]", name).groups()
        entry = stacked[key][2][int(row)] if column is None else stacked[key][2][int(row), int(column)]
        assert entry.item() == states[2, network.parameter_names.index(name)]


def test_a_run_gives_its_mean_network(tmp_path):
    settings = {"widths": [1, 4, 1], "activation": "relu", "points": 20, "replicas": 3, "steps": 10, "backend": "cpu"}
    with langevo.run(output=os.fspath(tmp_path / "r.nc"), **settings) as run:
        network, parameters = langevo.from_torch(_loaded(langevo.Network([1, 4, 1], "relu"), run))
        np.testing.assert_array_equal(parameters, run.ensemble["parameter_mean"][-1])
        assert network.activation == "relu"


def _loaded(network, run):
    module = module_of(network)
    module.load_state_dict(langevo.to_torch_state_dict(run))
    return module


def linear(*shape, **arguments):
    return torch.nn.Linear(*shape, **arguments)


@pytest.mark.parametrize(
    ("layers", "word"),
    [
        ([linear(2, 3), torch.nn.Tanh()], "ends with an activation"),
        ([torch.nn.Tanh(), linear(2, 3)], "does not follow"),
        ([linear(2, 3), torch.nn.Tanh(), linear(3, 3), torch.nn.ReLU(), linear(3, 1)], "tanh, relu"),
        ([linear(2, 3, bias=False), torch.nn.Tanh(), linear(3, 1)], "no biases"),
        ([linear(2, 3), torch.nn.Dropout(), linear(3, 1)], "Dropout"),
        ([linear(2, 3), torch.nn.Softplus(beta=2), linear(3, 1)], "beta=1"),
        ([linear(2, 3), torch.nn.GELU(approximate="tanh"), linear(3, 1)], "approximate='none'"),
        ([], "no Linear layer"),
    ],
)
def test_other_modules_are_refused_in_a_sentence(layers, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        langevo.from_torch(torch.nn.Sequential(*layers))


def test_other_parameters_are_refused_in_a_sentence():
    network = langevo.Network([2, 3, 1])
    with pytest.raises(ValueError, match=r"shape \[12\].*13 parameters"):
        langevo.to_torch_state_dict(np.zeros(12), network)
    with pytest.raises(ValueError, match="give it"):
        langevo.to_torch_state_dict(np.zeros(13))

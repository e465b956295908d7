"""The Python package: networks, problems, ensembles and simulations against NumPy's own arithmetic."""

import os
import re
import signal
import threading
import time

import langevo
import numpy as np
import pytest

ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softplus": lambda a: np.log(1 + np.exp(a)),
    "identity": lambda a: a,
}


def forward(network, x, inputs):
    """Outputs [points, output_dim] of the network, in whatever numbers x [N] has, complex ones too."""
    values = inputs.astype(x.dtype)
    begin = 0
    layers = list(zip(network.widths, network.widths[1:], strict=False))
    for number, (fan_in, fan_out) in enumerate(layers):
        is_last = number + 1 == len(layers)
        weights = x[begin : begin + fan_in * fan_out].reshape(fan_out, fan_in)
        begin += fan_in * fan_out
        values = values @ weights.T
        if network.output_bias or not is_last:
            values = values + x[begin : begin + fan_out]
            begin += fan_out
        if not is_last:
            values = ACTIVATIONS[network.activation](values)
    assert begin == len(x)
    return values


def loss_of(kind, outputs, targets, weights=None):
    if kind == "mse":
        of_points = ((outputs - targets) ** 2).mean(axis=1)
    else:
        of_points = -(targets * (outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True)))).sum(axis=1)
    return of_points.mean() if weights is None else (of_points * weights).sum() / weights.sum()


def problem_of(kind="mse", activation="tanh", output_bias=True, weights=None, points=23):
    random = np.random.default_rng(5)
    network = langevo.Network([3, 7, 5, 4], activation, output_bias)
    inputs = random.normal(size=(points, 3))
    targets = random.normal(size=(points, 4))
    if kind == "cross-entropy":
        targets = np.eye(4)[random.integers(0, 4, points)]
    return langevo.Problem(network, inputs, targets, kind, weights)


def sine(points=40):
    x = np.linspace(-1, 1, points)
    return langevo.Problem(langevo.Network([1, 8, 1]), x[:, None], np.sin(np.pi * x))


def ensemble_of(problem, rule=None, sigma=1e-3, replicas=6, **arguments):
    rule = rule or langevo.Metropolis()
    ensemble = langevo.Ensemble(problem, rule, sigma, replicas, backend="cpu", **arguments)
    ensemble.set_all_parameters(langevo.draw_initial_state(problem.network, std=0.5))
    return ensemble


def assert_sentence(error, *words):
    """One line that says what to do; with these words."""
    text = str(error.value)
    assert re.fullmatch(r"[^\n]+; [^\n]+", text), text
    for word in words:
        assert word in text


@pytest.mark.parametrize("kind", ["mse", "cross-entropy"])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("output_bias", [True, False])
def test_loss_and_gradient_are_those_of_a_forward_pass(kind, activation, output_bias):
    weights = np.arange(1.0, 24)
    problem = problem_of(kind, activation, output_bias, weights)
    ensemble = ensemble_of(problem)
    x = np.random.default_rng(1).normal(size=problem.network.parameter_count)

    def loss(parameters):
        return loss_of(kind, forward(problem.network, parameters, problem.inputs), problem.targets, weights)

    assert ensemble.loss(x) == pytest.approx(loss(x), rel=1e-12)
    # An imaginary step has no difference of rounded losses in it.
    steps = 1e-30j * np.eye(len(x))
    expected = np.array([loss(x + step).imag for step in steps]) / 1e-30
    np.testing.assert_allclose(ensemble.gradient(x), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


def test_labels_are_probabilities_of_one():
    labels = np.array([0, 3, 1, 2, 2])
    network = langevo.Network([2, 4])
    inputs = np.random.default_rng(0).normal(size=(5, 2))
    by_label = langevo.Problem(network, inputs, labels, "cross-entropy")
    np.testing.assert_array_equal(by_label.targets, np.eye(4)[labels])
    with pytest.raises(ValueError) as error:
        langevo.Problem(network, inputs, labels + 1, "cross-entropy")
    assert_sentence(error, "label of point 1 is 4")


def test_lists_and_columns_are_arrays_too():
    network = langevo.Network([1, 2, 1])
    rows = langevo.Problem(network, [[0], [1], [2]], [[0], [1], [4]])
    column = langevo.Problem(network, np.arange(3, dtype=np.float32), [0, 1, 4])
    np.testing.assert_array_equal(rows.inputs, column.inputs)
    np.testing.assert_array_equal(rows.targets, column.targets)


def test_parameters_are_the_ensembles_own_memory():
    ensemble = ensemble_of(sine())
    states = ensemble.parameters
    assert states.shape == (6, 25) and not states.flags.writeable and not states.flags.owndata
    assert np.shares_memory(states, ensemble.parameters)
    before = states.copy()
    ensemble.advance(50)
    assert (states != before).any(axis=1).all(), "every replica has moved, in the array from before"
    np.testing.assert_array_equal(states, ensemble.copy_parameters())
    np.testing.assert_array_equal(states[2:4], ensemble.copy_parameters(2, 2))
    del ensemble
    assert np.isfinite(states).all(), "the array keeps the ensemble"


def test_dlpack_lends_what_can_be_read_only_and_copies_else():
    ensemble = ensemble_of(sine())
    assert "dltensor_versioned" in repr(ensemble.__dlpack__(max_version=(1, 0)))

    class Before1:
        """A consumer that asks as DLPack before 1.0 does."""

        __dlpack_device__ = ensemble.__dlpack_device__

        def __dlpack__(self, **_):
            return ensemble.__dlpack__()

    for source in (ensemble, Before1()):
        np.testing.assert_array_equal(np.from_dlpack(source), ensemble.parameters)
    assert not np.shares_memory(np.from_dlpack(Before1()), ensemble.parameters)


def test_what_things_are_called():
    assert repr(langevo.Network([1, 3, 2], "relu", False)) == "Network([1, 3, 2], activation='relu', output_bias=False)"
    assert repr(langevo.Metropolis(2.5)) == "Metropolis(beta=2.5)"
    assert repr(langevo.NormalizedGradient(0.5)) == "NormalizedGradient(alpha=0.5)"
    assert repr(langevo.Langevin(stride=4)) == "Langevin(beta=inf, stride=4.0)"


def test_setting_states():
    ensemble = ensemble_of(sine())
    states = np.random.default_rng(2).normal(size=(2, 25))
    ensemble.set_parameters(states, first=3)
    np.testing.assert_array_equal(ensemble.parameters[3:5], states)
    for wrong, word in [(states[:, :-1], "48 numbers"), (np.full((1, 25), np.nan), "nan"), ("x", "NumPy array")]:
        with pytest.raises(ValueError) as error:
            ensemble.set_parameters(wrong)
        assert_sentence(error, word)
    with pytest.raises(ValueError) as error:
        ensemble.set_parameters(states, first=5)
    assert_sentence(error, "only 6")


def test_states_depend_on_seed_and_replica_alone():
    whole = ensemble_of(sine(), replicas=6, threads=2)
    part = ensemble_of(sine(), replicas=2, first_replica=4, threads=1)
    other = ensemble_of(sine(), replicas=6, seed=2)
    whole.advance(400)
    other.advance(400)
    for steps in (1, 99, 300):
        part.advance(steps)
    assert part.step == 400
    np.testing.assert_array_equal(part.parameters, whole.parameters[4:])
    assert (other.parameters != whole.parameters).any()


def test_reductions():
    ensemble = ensemble_of(sine())
    ensemble.advance(100)
    states = ensemble.parameters
    moments = ensemble.moments()
    assert moments.count == 6
    np.testing.assert_allclose(moments.mean, states.mean(axis=0), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(moments.variance, states.var(axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(ensemble.losses(), [ensemble.loss(x) for x in states])
    counters = ensemble.counters
    assert counters["steps"] == 600 and 0 < counters["accepted"] < 600
    decided = sum(counters[name] for name in counters if name.startswith("decided")) + counters["not_finite"]
    assert decided == 600


def test_rules_do_what_they_say():
    problem = sine()
    start = langevo.draw_initial_state(problem.network, std=0.5)
    gradient = ensemble_of(problem).gradient(start)
    for rule, step in [
        (langevo.Gradient(1e-2), 1e-2 * gradient),
        (langevo.NormalizedGradient(1e-2), 1e-2 * gradient / np.linalg.norm(gradient)),
    ]:
        ensemble = ensemble_of(problem, rule, sigma=1.0)
        ensemble.advance(1)
        np.testing.assert_allclose(ensemble.parameters, np.tile(start - step, (6, 1)), rtol=1e-12)
        assert ensemble.time_per_step == 1e-2
    mutated = ensemble_of(problem, langevo.Metropolis(beta=1e-9), sigma=1e-3, replicas=500)
    mutated.advance(1)
    assert (mutated.parameters - start).std() == pytest.approx(1e-3, rel=0.05)
    assert mutated.time_per_step == pytest.approx(1e-9 * 1e-6 / 2)
    noisy = ensemble_of(problem, langevo.Langevin(beta=1e2, stride=4.0), sigma=1e-3, replicas=500)
    noisy.advance(1)
    assert (noisy.parameters - start).std() == pytest.approx(2e-3, rel=0.05)
    assert noisy.time_per_step == pytest.approx(4 * 1e2 * 1e-6 / 2)
    assert ensemble_of(problem).time_per_step == pytest.approx(1e-3 / np.sqrt(2 * np.pi))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda p: langevo.Network([1]), "1 width(s)"),
        (lambda p: langevo.Network([1, 2], "cosine"), "cosine"),
        (lambda p: langevo.Problem(p.network, [[1, 2]], [1]), "[1, 2]"),
        (lambda p: langevo.Problem(p.network, [1, 2], [1]), "1 target values"),
        (lambda p: langevo.Problem(p.network, [1, np.inf], [1, 1]), "inf"),
        (lambda p: langevo.Problem(p.network, [1], [1], "hinge"), "hinge"),
        (lambda p: langevo.Problem(p.network, [1], [1], weights=[-1]), "-1"),
        (lambda p: langevo.Metropolis(acceptance="never"), "never"),
        (lambda p: langevo.Gradient(1, gradient="guessed"), "guessed"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(beta=-1), 1e-3, 5), "-1"),
        (lambda p: langevo.Ensemble(p, langevo.Gradient(0), 1, 5), "alpha"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), [1e-3, 1e-3], 5), "2 numbers"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), -1e-3, 5), "-0.001"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), 1e-3, 0), "replicas"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), 1e-3, 5, backend="abacus"), "abacus"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), 1e-3, 5, backend="cpu", instruction_set="mmx"), "mmx"),
        (lambda p: langevo.Ensemble(p, langevo.Metropolis(), 1e-3, 5, threads=-1), "threads"),
        (lambda p: langevo.draw_initial_state(p.network, "zeros"), "zeros"),
        (lambda p: ensemble_of(p).loss([1, 2]), "2 numbers"),
        (lambda p: ensemble_of(p).gradient([1, 2]), "2 numbers"),
        (lambda p: langevo.Simulation(ensemble_of(p), time_per_step=0), "time_per_step"),
        (lambda p: langevo.Simulation(ensemble_of(p)).run(), "until or steps"),
        (lambda p: langevo.Simulation(ensemble_of(p)).run(0), "until is 0"),
        (lambda p: langevo.Simulation(ensemble_of(p)).run(steps=5, records=0), "records is 0"),
        (lambda p: langevo.Simulation(ensemble_of(p)).run(steps=10**9, records=10**8), "records is 100000000"),
        (lambda p: langevo.Simulation(ensemble_of(p), traced=7).run(steps=5), "7"),
    ],
)
def test_errors_are_sentences(make, word):
    with pytest.raises(ValueError) as error:
        make(sine())
    assert_sentence(error, word)


def test_a_step_to_infinity_is_a_runtime_error():
    ensemble = ensemble_of(sine(), langevo.Gradient(1e300), sigma=1.0)
    with pytest.raises(RuntimeError) as error:
        ensemble.advance(10)
    assert_sentence(error, "stopped being finite at step")


def test_records_are_the_ensemble():
    ensemble = ensemble_of(sine())
    simulation = langevo.Simulation(ensemble, traced=2)
    heard = []
    records = simulation.run(steps=100, records=4, callback=heard.append)
    assert [record.step for record in records] == [0, 25, 50, 75, 100]
    assert [record.step for record in heard] == [0, 25, 50, 75, 100] and simulation.records == records
    last = records[-1]
    losses = ensemble.losses()
    assert last.time == simulation.time == 100 * ensemble.time_per_step
    np.testing.assert_array_equal(last.losses, losses)
    np.testing.assert_array_equal(last.mean, ensemble.moments().mean)
    np.testing.assert_array_equal(last.variance, ensemble.moments().variance)
    np.testing.assert_array_equal(last.traced, ensemble.parameters[:2])
    np.testing.assert_allclose(last.loss_quantiles, np.quantile(losses, [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert (last.loss_min, last.loss_max) == (losses.min(), losses.max())
    assert last.loss_mean == pytest.approx(losses.mean()) and last.loss_variance == pytest.approx(losses.var(ddof=1))
    assert last.loss_of_mean == pytest.approx(ensemble.loss(last.mean))
    assert 0 < last.accepted_fraction < 1

    again = simulation.run(until=150 * ensemble.time_per_step, records=2)
    assert [record.step for record in again] == [125, 150], "what was recorded is not recorded again"
    assert len(simulation.records) == 7


def test_a_callback_stops_a_run():
    simulation = langevo.Simulation(ensemble_of(sine()))
    records = simulation.run(steps=10**7, records=10**4, callback=lambda record: record.step >= 3000)
    assert records[-1].step >= 3000 and simulation.ensemble.step < 10**7


def test_what_a_callback_raises_comes_out():
    simulation = langevo.Simulation(ensemble_of(sine()))

    def fail(record):
        if record.step >= 1000:
            raise LookupError("not found")

    with pytest.raises(LookupError, match="not found"):
        simulation.run(steps=10**8, records=10**5, callback=fail)
    assert simulation.records[-1].step >= 1000


def test_an_ensemble_takes_one_call_at_a_time():
    ensemble = ensemble_of(sine())
    with pytest.raises(ValueError) as error:
        langevo.Simulation(ensemble).run(steps=10, callback=lambda record: ensemble.losses())
    assert_sentence(error, "taking steps")
    assert len(ensemble.losses()) == 6, "afterwards it may be used again"


def interrupt_after(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def test_other_threads_run_while_an_ensemble_takes_steps():
    ensemble = ensemble_of(sine(), langevo.Metropolis(acceptance="exact"), replicas=200)
    turns = []
    is_over = threading.Event()

    def turn():
        while not is_over.wait(0.01):
            turns.append(ensemble.step)

    other = threading.Thread(target=turn)
    other.start()
    begin = time.perf_counter()
    while time.perf_counter() < begin + 1:
        ensemble.advance(1000)
    is_over.set()
    other.join()
    assert len(turns) > 10


def test_interrupted_steps_end_whole():
    # where they end is a matter of time: so that the same run is not another one each time, all is evaluated
    every_proposal = langevo.Metropolis(acceptance="exact")
    ensemble = ensemble_of(sine(), every_proposal)
    timer = interrupt_after(1)
    with pytest.raises(KeyboardInterrupt):
        ensemble.advance(10**13)
    timer.join()
    reached = ensemble.step
    assert 0 < reached < 10**13
    again = ensemble_of(sine(), every_proposal)
    again.advance(reached)
    np.testing.assert_array_equal(ensemble.parameters, again.parameters)


def test_an_interrupted_simulation_keeps_its_records():
    simulation = langevo.Simulation(ensemble_of(sine()))
    timer = interrupt_after(1)
    with pytest.raises(KeyboardInterrupt):
        simulation.run(steps=10**11, records=10**5)
    timer.join()
    assert len(simulation.records) > 1
    assert simulation.records[-1].step <= simulation.ensemble.step < 10**11


def test_progress_is_shown_where_asked_for(capsys):
    langevo.Simulation(ensemble_of(sine())).run(steps=200, progress=True)
    assert "100 %" in capsys.readouterr().err
    langevo.Simulation(ensemble_of(sine())).run(steps=200, progress=False)
    assert capsys.readouterr().err == ""

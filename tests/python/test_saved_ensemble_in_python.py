"""What is saved of an ensemble, and quadratures: both leave every bit of a trajectory as it is."""

import functools
import pickle

import langevo
import numpy as np
import pytest
import test_ensemble_in_python

RULES = [
    langevo.Metropolis(),
    langevo.Metropolis(beta=1e4, acceptance="exact"),
    langevo.Langevin(beta=1e4, gradient="followed", precision="float"),
]


sine = functools.partial(test_ensemble_in_python.sine, 200)
ensemble_of = functools.partial(test_ensemble_in_python.ensemble_of, sigma=1e-4, replicas=5)


def start_of(problem):
    return langevo.draw_initial_state(problem.network, std=0.5)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_goes_on_from_what_was_saved(rule):
    whole = ensemble_of(sine(), rule)
    whole.advance(3000)
    first = ensemble_of(sine(), rule)
    first.advance(1234)
    saved = pickle.loads(pickle.dumps(first.save()))
    np.testing.assert_array_equal(saved.parameters, first.parameters)
    assert (saved.step, saved.seed) == (1234, 1)
    first.advance(1000)  # what was saved stays what it was
    second = ensemble_of(sine(), rule)
    second.restore(saved)
    assert second.step == 1234
    second.advance(3000 - 1234)
    np.testing.assert_array_equal(second.parameters, whole.parameters)
    for name in ("steps", "accepted", "gradients"):
        assert second.counters[name] == whole.counters[name]


def test_what_was_learnt_comes_back_too():
    ensemble = ensemble_of(sine(), langevo.Metropolis(acceptance="screened"))
    ensemble.advance(5000)
    saved = pickle.loads(pickle.dumps(ensemble.save()))
    other = ensemble_of(sine(), langevo.Metropolis(acceptance="screened"))
    other.restore(saved)
    for each in (ensemble, other):
        each.advance(5000)
    np.testing.assert_array_equal(other.parameters, ensemble.parameters)
    assert other.counters == ensemble.counters
    exact = ensemble_of(sine(), langevo.Metropolis(acceptance="exact"))  # cannot read it and needs it not
    exact.restore(saved)
    exact.advance(5000)
    np.testing.assert_array_equal(exact.parameters, ensemble.parameters)


def test_what_others_saved_is_refused():
    saved = ensemble_of(sine(), langevo.Metropolis()).save()
    for other in (
        ensemble_of(sine(), langevo.Metropolis(), replicas=4),
        ensemble_of(sine(), langevo.Metropolis(), seed=2),
    ):
        with pytest.raises(ValueError, match="; "):
            other.restore(saved)


def test_a_newer_format_is_refused():
    saved = ensemble_of(sine(), langevo.Metropolis()).save()
    with pytest.raises(ValueError, match="format 9"):
        langevo.SavedEnsemble.__new__(langevo.SavedEnsemble).__setstate__((9, *saved.__getstate__()[1:]))


@pytest.mark.parametrize("rule", [langevo.Metropolis(), langevo.Metropolis(beta=1e4)], ids=repr)
def test_a_quadrature_changes_no_decision(rule):
    problem = sine()
    quadrature = langevo.make_quadrature(problem, rule, 1e-4, start_of(problem), 20000, replicas=5, nodes=20)
    assert 0 < len(quadrature) <= 20
    assert quadrature.nodes.shape == quadrature.weights.shape == (len(quadrature),)
    assert np.all(np.diff(quadrature.nodes.astype(np.int64)) > 0) and quadrature.nodes[-1] < problem.points
    assert abs(quadrature.weights.sum() - 1) < 0.01
    assert quadrature.gradient_error < 1e-3
    on_nodes = ensemble_of(problem, rule, quadrature=quadrature)
    on_all_points = ensemble_of(problem, rule)
    for ensemble in (on_nodes, on_all_points):
        ensemble.advance(20000)
    np.testing.assert_array_equal(on_nodes.parameters, on_all_points.parameters)
    assert on_nodes.counters["spans"] > 0
    assert on_all_points.counters["spans"] == 0


def test_data_without_structure_have_no_quadrature_and_a_remark():
    random = np.random.default_rng(3)
    problem = langevo.Problem(
        langevo.Network([8, 6, 1]), random.normal(size=(300, 8)), random.normal(size=300)
    )
    quadrature = langevo.make_quadrature(problem, langevo.Metropolis(), 1e-4, start_of(problem), 10**6)
    assert not quadrature
    assert quadrature.remark


def test_misuse_is_one_sentence():
    problem = test_ensemble_in_python.sine(10)
    with pytest.raises(ValueError, match="11"):
        langevo.make_quadrature(problem, langevo.Metropolis(), 1e-4, start_of(problem), 1000, nodes=11)
    with pytest.raises(ValueError, match="; "):
        langevo.make_quadrature(problem, langevo.Metropolis(), 1e-4, start_of(problem)[:3], 1000)
    of_many_points = langevo.make_quadrature(
        sine(), langevo.Metropolis(), 1e-4, start_of(problem), 20000, nodes=20
    )
    with pytest.raises(ValueError, match="10 points"):
        ensemble_of(problem, langevo.Metropolis(), quadrature=of_many_points)

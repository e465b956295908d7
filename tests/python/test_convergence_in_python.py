"""Diagnostics of equilibrium: of numbers whose answer is known, and of run files; and run files as trees."""

import langevo
import numpy as np
import pytest
import xarray
from langevo.convergence import convergence, convergence_of_runs

STARTS = np.repeat(np.arange(4), 25)


def test_independent_draws_have_converged():
    draws = np.random.default_rng(0).normal(size=(100, 40))
    found = convergence(draws, STARTS)
    assert (found.chains, found.draws) == (100, 40)
    assert found.r_hat < 1.01
    assert found.nested_r_hat is None or 1 <= found.nested_r_hat < 1.01
    assert found.effective_draws == pytest.approx(4000, rel=0.3)
    assert found.effective_tail_draws == pytest.approx(4000, rel=0.3)


def test_chains_that_remember_their_starts_have_not():
    draws = np.random.default_rng(0).normal(size=(100, 40)) + STARTS[:, None]
    found = convergence(draws, STARTS)
    assert found.r_hat > 1.3
    assert found.nested_r_hat is None or found.nested_r_hat > 1.3
    assert found.effective_draws < 1000


def test_repeated_draws_count_once():
    draws = np.random.default_rng(1).normal(size=(10, 200)).repeat(10, axis=1)
    assert convergence(draws).effective_draws == pytest.approx(2000, rel=0.5)


def test_few_draws_have_nested_r_hat_at_most():
    found = convergence(np.random.default_rng(2).normal(size=(100, 2)), STARTS)
    assert found.r_hat is None
    assert found.effective_draws is None


def test_misuse_is_said_in_a_sentence():
    for draws in ([1, 2], [[1, 2]], [[1, np.nan], [1, 2]]):
        with pytest.raises(ValueError, match="finite numbers"):
            convergence(draws)
    with pytest.raises(ValueError, match="all equally often"):
        convergence(np.ones((3, 4)), [0, 0, 1])


@pytest.fixture
def runs(tmp_path):
    """Two runs of a linear network from starts of their own, whose loss is quadratic."""

    def run(seed, beta, **more):
        path = tmp_path / f"{seed}.nc"
        settings = {"widths": "1,1", "data": "sin-unit", "points": 20, "sigma": 0.3, "replicas": 20, "records": 40}
        settings |= {"steps": 4000, "reference": "none", "init_std": 1, "seed": seed, "quiet": True}
        return langevo.run(output=path, beta=beta, **(settings | more))

    return run


def test_runs_at_a_temperature(runs):
    with runs(1, 100) as first, runs(2, 100) as second:
        found = convergence_of_runs(first, second)
        assert (found.chains, found.draws) == (40, 21)
        assert found.r_hat < 1.05
        losses = first.ensemble["replica_loss"].values[20:].T
        assert convergence_of_runs(first).r_hat == convergence(losses).r_hat
        assert convergence_of_runs(first, second, first_time=0).draws == 41


def test_runs_that_have_no_equilibrium_are_refused(runs):
    with runs(1, "inf") as run, pytest.raises(langevo.RunFileError, match="no finite beta"):
        convergence_of_runs(run)
    with runs(2, 100) as run, runs(3, 100, records=20) as other, pytest.raises(langevo.RunFileError, match="differ"):
        convergence_of_runs(run, other)


@pytest.mark.skipif(not hasattr(xarray, "DataTree"), reason="xarray before 2024.10 has no trees")
def test_a_run_is_a_tree(runs):
    with runs(1, 100, steps=200, records=4, reference="auto", alpha=1e-2) as run:
        tree = run.to_datatree()
        assert set(tree.children) == {"ensemble", "reference", "correspondence"}
        assert tree.attrs["seed"] == 1
        for group in ("ensemble", "reference", "correspondence"):
            assert tree[group].to_dataset(inherit=False).identical(getattr(run, group))


@pytest.mark.skipif(hasattr(xarray, "DataTree"), reason="this xarray has trees")
def test_an_old_xarray_is_said_to_have_no_trees(runs):
    with runs(1, 100, steps=200, records=4) as run, pytest.raises(langevo.RunFileError, match="has no trees"):
        run.to_datatree()

#!/usr/bin/env python3
"""The Metropolis ensemble in JAX: vmap over replicas, a compiled loop over steps; nothing leaves the device meanwhile.

The loop is a scan without outputs whose length is an argument, so that one compilation serves every length.
Normal numbers are drawn in float32, as langevo draws them: in float64 they take twice as long. With --change propagated,
states are float64 whatever the change is evaluated in, as float32 rounds mutations away.
"""
import os
import sys


def set_up():
    """What must be said before JAX is imported."""
    if "cpu" in sys.argv or "--device" not in sys.argv:
        os.environ["JAX_PLATFORMS"] = "cpu"
    if "--threads" in sys.argv:
        threads = int(sys.argv[sys.argv.index("--threads") + 1])
        if threads > 0:  # XLA makes as many threads as there are processors to run on
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["JAX_ENABLE_X64"] = "1"


set_up()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import paper_nets  # noqa: E402


def make(net, sigma, dtype, propagated):
    """U(x) and the change of U under a mutation, of one state; the function that takes steps with all replicas."""
    data = tuple(jnp.asarray(v, dtype) for v in net.data())

    def loss(x):
        return paper_nets.loss(net, x.astype(dtype), data, jnp.tanh)

    def change(x, u, eps):
        """Of the loss, and the loss then; u is U(x)."""
        if propagated:
            return paper_nets.loss_change(net, x.astype(dtype), eps, data, jnp.tanh), u
        new = loss(x + eps)
        return new - u, new

    def step(x, u, key):
        key, mutation, acceptance = jax.random.split(key, 3)
        eps = dtype(sigma) * jax.random.normal(mutation, x.shape, np.float32).astype(dtype)
        du, new = change(x, u, eps)
        if np.isinf(net.beta):
            accepted = du <= 0
        else:
            accepted = jax.random.uniform(acceptance, dtype=dtype) < jnp.exp(-dtype(net.beta) * du)
        return jnp.where(accepted, x + eps, x), jnp.where(accepted, new, u), key

    @jax.jit
    def follow(carry, steps):
        return jax.lax.fori_loop(0, steps, lambda _, state: jax.vmap(step)(*state), carry)

    return loss, change, follow


def main():
    options = paper_nets.arguments(__doc__)
    if options.device == "cuda" and jax.default_backend() != "gpu":
        sys.exit("JAX finds no GPU")
    jax.config.update("jax_default_matmul_precision", "highest")
    net = paper_nets.chosen_net(options)
    sigma = net.sigma(options.lam)
    dtype = getattr(np, options.dtype)
    propagated = options.change == "propagated"
    start = paper_nets.start_state(net, options)
    loss, change, follow = make(net, sigma, dtype, propagated)
    losses = jax.jit(jax.vmap(loss))
    changes = jax.jit(jax.vmap(lambda x, u, eps: change(x, u, eps)[0], in_axes=(None, None, 0)))
    x0 = jnp.asarray(start, np.float64 if propagated else dtype)

    def decide(eps, thresholds):
        return np.asarray(changes(x0, jax.jit(loss)(x0), jnp.asarray(eps, dtype)) <= jnp.asarray(thresholds, dtype))

    data = tuple(jnp.asarray(v) for v in paper_nets.all_points(net))
    exact = jax.jit(jax.vmap(lambda eps: paper_nets.loss_change(net, jnp.asarray(start), eps, data, jnp.tanh)))
    wrong = paper_nets.wrong_decisions(net, decide, exact, sigma, options.decisions)
    name = jax.devices()[0].device_kind if options.device == "cuda" else "cpu"

    def measure(replicas):
        x = jnp.tile(x0, (replicas, 1))
        carry = [(x, losses(x), jax.random.split(jax.random.PRNGKey(options.seed), replicas))]

        def run(steps):
            carry[0] = jax.block_until_ready(follow(carry[0], steps))

        paper_nets.report("JAX", jax.__version__, options, replicas, run, wrong, name)

    paper_nets.each_batch(options, measure)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Noisy gradient steps of an ensemble in JAX: vmap over replicas, a compiled loop over steps, on all points.

x_i += -alpha g_i/|g| + alpha sqrt(pi lambda) z_i at beta = inf, x_i += -alpha g_i + sqrt(2 alpha/beta) z_i else; with
lambda = 0 no noise. The distance is that of the states from the same steps, with the same normal numbers, in float64,
relative to the way that these have moved.
"""
import json
import sys

from jax_peer import set_up

set_up()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import paper_nets  # noqa: E402


def follow(net, lam, dtype):
    """The function that takes steps with all replicas."""
    data = tuple(jnp.asarray(v, dtype) for v in net.data())
    gradient = jax.grad(lambda x: paper_nets.loss(net, x, data, jnp.tanh))
    cold = np.isinf(net.beta)
    noise = dtype(np.sqrt(np.pi * lam) * net.alpha if cold else np.sqrt(2 * net.alpha / net.beta) if lam else 0)
    alpha = dtype(net.alpha)

    def step(x, key):
        g = gradient(x)
        x = x - alpha * (g / jnp.sqrt((g * g).sum()) if cold else g)
        if noise:
            key, here = jax.random.split(key)
            x = x + noise * jax.random.normal(here, x.shape, np.float32).astype(dtype)
        return x, key

    return jax.jit(lambda carry, steps: jax.lax.fori_loop(0, steps, lambda _, state: jax.vmap(step)(*state), carry))


def beginning(x, replicas, dtype):
    return jnp.tile(jnp.asarray(x, dtype), (replicas, 1)), jax.random.split(jax.random.PRNGKey(1), replicas)


def distance(net, lam, x, steps, dtype):
    ends = [np.asarray(follow(net, lam, kind)(beginning(x, 2, kind), steps)[0], np.float64)
            for kind in (dtype, np.float64)]
    return float(np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - x))


def main():
    options = paper_nets.arguments(__doc__)
    net = paper_nets.chosen_net(options)
    dtype = getattr(np, options.dtype)
    x = paper_nets.start_state(net, options)
    advance = follow(net, options.lam, dtype)
    off = distance(net, options.lam, x, options.steps, dtype)

    def measure(replicas):
        def run(steps):
            jax.block_until_ready(advance(beginning(x, replicas, dtype), steps))

        steps = paper_nets.steps_that_take(options.seconds, run)
        seconds = paper_nets.median_seconds(run, steps)
        print(json.dumps({"library": "JAX", "dtype": options.dtype, "replicas": replicas,
                          "steps_per_second": replicas * steps / seconds, "distance": off}), flush=True)

    paper_nets.each_batch(options, measure)


if __name__ == "__main__":
    sys.exit(main())

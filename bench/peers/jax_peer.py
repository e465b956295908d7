#!/usr/bin/env python3
"""The Metropolis ensemble in JAX: vmap over replicas, scan over steps, one compiled call."""
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


def make(net, sigma, dtype, steps):
    """U(x), and the function that takes `steps` steps with all replicas."""
    points, target = (jnp.asarray(v, dtype) for v in net.data())
    layers = net.layers()

    def loss(x):
        h = points[None, :]
        for k, (weight, bias, fan_out, fan_in) in enumerate(layers):
            h = jnp.matmul(x[weight : weight + fan_out * fan_in].reshape(fan_out, fan_in), h,
                           precision=jax.lax.Precision.HIGHEST)
            if bias is not None:
                h = h + x[bias : bias + fan_out, None]
            if k + 1 < len(layers):
                h = jnp.tanh(h)
        return jnp.mean(jnp.square(h[0] - target))

    def step(carry, _):
        x, u, key = carry
        key, mutation, acceptance = jax.random.split(key, 3)
        proposed = x + dtype(sigma) * jax.random.normal(mutation, x.shape, dtype)
        new = loss(proposed)
        if np.isinf(net.beta):
            accepted = new <= u
        else:
            accepted = jax.random.uniform(acceptance, dtype=dtype) < jnp.exp(-dtype(net.beta) * (new - u))
        return (jnp.where(accepted, proposed, x), jnp.where(accepted, new, u), key), None

    def follow(x, u, key):
        return jax.lax.scan(step, (x, u, key), None, length=steps)[0]

    return loss, jax.jit(jax.vmap(follow))


def main():
    options = paper_nets.arguments(__doc__)
    if options.device == "cuda" and jax.default_backend() != "gpu":
        sys.exit("JAX finds no GPU")
    net = paper_nets.NETS[options.net]
    sigma = net.sigma(options.lam)
    dtype = getattr(np, options.dtype)
    start = paper_nets.start_state(net, options)
    loss, follow = make(net, sigma, dtype, options.steps)
    losses = jax.jit(jax.vmap(loss))
    x0 = jnp.asarray(start, dtype)

    def decide(eps, thresholds):
        proposed = x0[None, :] + jnp.asarray(eps, dtype)
        return np.asarray(losses(proposed) - losses(x0[None, :]) <= jnp.asarray(thresholds, dtype))

    wrong = paper_nets.wrong_decisions(net, start, decide, sigma, options.decisions)
    name = jax.devices()[0].device_kind if options.device == "cuda" else "cpu"

    def measure(replicas):
        x = jnp.tile(x0, (replicas, 1))
        carry = [x, losses(x), jax.random.split(jax.random.PRNGKey(options.seed), replicas)]

        def run():
            carry[:] = jax.block_until_ready(follow(*carry))

        run()  # compiles
        paper_nets.report("JAX", jax.__version__, options, replicas, run, wrong, name)

    paper_nets.each_batch(options, measure)


if __name__ == "__main__":
    main()

"""The paper's nets, data and mutations, and the decisions that a peer should make: shared by the peers.

States are vectors in PyTorch's parameter order: layers.0.weight [out][in] row-major, layers.0.bias, layers.1...
"""
import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Net:
    widths: tuple
    output_bias: bool
    points: int
    beta: float
    alpha: float

    def data(self):
        """Inputs and targets, each [points]."""
        if self.output_bias:
            x = np.linspace(-1, 1, self.points)
            return x, np.sin(np.pi * x)
        x = np.arange(self.points) / self.points
        return x, np.sin(2 * np.pi * x)

    def layers(self):
        """(weight offset, bias offset or None, out, in) of every layer."""
        layers, offset = [], 0
        for k, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:])):
            weight, offset = offset, offset + fan_in * fan_out
            bias = None
            if k + 2 < len(self.widths) or self.output_bias:
                bias, offset = offset, offset + fan_out
            layers.append((weight, bias, fan_out, fan_in))
        return layers

    def parameter_count(self):
        weight, bias, fan_out, fan_in = self.layers()[-1]
        return weight + fan_in * fan_out if bias is None else bias + fan_out

    def sigma(self, lam):
        """The mutation width of lambda: Whitelam et al. 2021, below eqs. 8 and 14."""
        if np.isinf(self.beta):
            return lam * self.alpha * np.sqrt(2 * np.pi)
        return np.sqrt(2 * self.alpha * lam / self.beta)


NETS = {
    "shallow": Net((1, 30, 1), False, 1000, np.inf, 1e-5),
    "wide": Net((1, 256, 1), False, 1000, 1e3, 1e-4),
    "deep": Net((1,) + 8 * (32,) + (1,), True, 1001, np.inf, 1e-4),
}


def loss_change(net, x, eps):
    """U(x + eps) - U(x) in float64, every layer carrying (value, change) so that nothing cancels."""
    points, target = net.data()
    h, dh = points[None, :], np.zeros((1, net.points))
    layers = net.layers()
    for k, (weight, bias, fan_out, fan_in) in enumerate(layers):
        size = fan_out * fan_in
        w = x[weight : weight + size].reshape(fan_out, fan_in)
        e = eps[weight : weight + size].reshape(fan_out, fan_in)
        a, d = w @ h, e @ h + (w + e) @ dh
        if bias is not None:
            a, d = a + x[bias : bias + fan_out, None], d + eps[bias : bias + fan_out, None]
        if k + 1 == len(layers):
            return np.mean(d * (2 * (a - target) + d))
        h, t = np.tanh(a), np.tanh(d)
        dh = (1 - h * h) * t / (1 + h * t)


def wrong_decisions(net, x, decide, sigma, proposals=2000, seed=0):
    """Fraction of proposals from x that decide(eps [n][N], thresholds [n]) -> accepted [n] gets wrong; None of none."""
    generator = np.random.default_rng(seed)
    wrong, batch = 0, 100
    if proposals < batch:
        return None
    for _ in range(proposals // batch):
        eps = sigma * generator.standard_normal((batch, x.size))
        thresholds = np.zeros(batch) if np.isinf(net.beta) else -np.log(generator.random(batch)) / net.beta
        exact = np.array([loss_change(net, x, e) for e in eps]) <= thresholds
        wrong += int(np.sum(exact != decide(eps, thresholds)))
    return wrong / (proposals // batch * batch)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--net", choices=NETS, default="shallow")
    parser.add_argument("--replicas", type=lambda text: [int(n) for n in text.split(",")], default=[64],
                        help="or several numbers, each timed by itself: 256,1024")
    parser.add_argument("--steps", type=int, default=100, help="per timed run")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="0: the library's own choice")
    parser.add_argument("--lambda", dest="lam", type=float, default=0.1)
    parser.add_argument("--state", help="start state: text, one number a line; else Gaussian weights of 0.01")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decisions", type=int, default=2000, help="proposals held against float64")
    return parser.parse_args()


def start_state(net, options):
    if options.state:
        return np.loadtxt(options.state)
    return 0.01 * np.random.default_rng(options.seed).standard_normal(net.parameter_count())


def each_batch(options, measure):
    """measure(replicas) for every number of them; one that fails, as for want of memory, ends no other."""
    done = 0
    for replicas in options.replicas:
        try:
            measure(replicas)
            done += 1
        except (RuntimeError, MemoryError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            print(f"{replicas} replicas: {reason}", file=sys.stderr, flush=True)
    if not done:
        sys.exit(1)


def report(library, version, options, replicas, run, wrong, device=None):
    """Times run(), which makes all proposals of one run, three times after the warm-up it has had; prints JSON."""
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    proposals = replicas * options.steps
    median = statistics.median(seconds)
    print(
        json.dumps(
            {
                "library": library,
                "version": version,
                "dtype": options.dtype,
                "device": device or options.device,
                "net": options.net,
                "replicas": replicas,
                "proposals": proposals,
                "seconds": median,
                "proposals_per_second": proposals / median,
                "wrong_decision_fraction": wrong,
            }
        ),
        flush=True,
    )

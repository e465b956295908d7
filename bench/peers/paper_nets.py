"""The paper's nets, data and mutations, and the decisions that a peer should make: shared by the peers.

States are vectors in PyTorch's parameter order: layers.0.weight [out][in] row-major, layers.0.bias, layers.1...
A proposal is decided by the difference of two losses, or by their change, in which nothing cancels: it costs
two to three times as much and makes far fewer wrong decisions in float32.
"""
import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Net:
    widths: tuple
    output_bias: bool
    points: int
    beta: float
    alpha: float

    nodes: tuple = ()  # numbers of points
    node_weights: tuple = ()

    def data(self):
        """Inputs, targets and weights, each [points]; those of the nodes alone where there are any."""
        if self.output_bias:
            x = np.linspace(-1, 1, self.points)
            data = x, np.sin(np.pi * x)
        else:
            x = np.arange(self.points) / self.points
            data = x, np.sin(2 * np.pi * x)
        if self.nodes:
            return *(v[list(self.nodes)] for v in data), np.array(self.node_weights)
        return *data, np.full(self.points, 1 / self.points)

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


def affine(w, h):
    """w h; a column w takes no matrix product."""
    return w * h if w.shape[-1] == 1 else w @ h


def split(net, x):
    """Weights [..., out, in] and biases [..., out, 1] or None of every layer, of states x [..., N]."""
    for weight, bias, fan_out, fan_in in net.layers():
        w = x[..., weight : weight + fan_out * fan_in].reshape((*x.shape[:-1], fan_out, fan_in))
        yield w, None if bias is None else x[..., bias : bias + fan_out, None]


def loss(net, x, data, tanh=np.tanh):
    """U(x), of one state or of states [..., N], in the arrays of numpy, JAX or PyTorch; data as net.data()."""
    points, target, weights = data
    h, last = points[None, :], len(net.widths) - 2
    for k, (w, b) in enumerate(split(net, x)):
        a = affine(w, h) if b is None else affine(w, h) + b
        h = tanh(a) if k < last else a
    error = h[..., 0, :] - target
    return (weights * (error * error)).sum(-1)


def loss_change(net, x, eps, data, tanh=np.tanh):
    """U(x + eps) - U(x), as loss(); every layer carries (value, change), so that nothing cancels."""
    points, target, weights = data
    h, dh, last = points[None, :], None, len(net.widths) - 2
    for k, ((w, b), (e, c)) in enumerate(zip(split(net, x), split(net, eps))):
        a, d = affine(w, h), affine(e, h)
        if dh is not None:
            d = d + affine(w + e, dh)
        if b is not None:
            a, d = a + b, d + c
        if k == last:
            a, d = a[..., 0, :], d[..., 0, :]
            return (weights * (d * (2 * (a - target) + d))).sum(-1)
        h, t = tanh(a), tanh(d)
        dh = (1 - h * h) * t / (1 + h * t)


def all_points(net):
    return replace(net, nodes=()).data()


def wrong_decisions(net, decide, exact_changes, sigma, proposals=2000, seed=0):
    """Fraction of proposals that decide(eps [n][N], thresholds [n]) -> accepted [n] gets wrong; None of none.

    exact_changes(eps) -> [n] are those of the loss on all points, by loss_change() in float64.
    """
    generator = np.random.default_rng(seed)
    wrong, batch = 0, 100
    if proposals < batch:
        return None
    for _ in range(proposals // batch):
        eps = sigma * generator.standard_normal((batch, net.parameter_count()))
        thresholds = np.zeros(batch) if np.isinf(net.beta) else -np.log(generator.random(batch)) / net.beta
        wrong += int(np.sum((exact_changes(eps) <= thresholds) != decide(eps, thresholds)))
    return wrong / (proposals // batch * batch)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--net", choices=NETS, default="shallow")
    parser.add_argument("--replicas", type=lambda text: [int(n) for n in text.split(",")], default=[64],
                        help="or several numbers, each timed by itself: 256,1024")
    parser.add_argument("--steps", type=int, help="per timed run, or until the distance is taken; else as many as take --seconds")
    parser.add_argument("--seconds", type=float, default=1, help="of a timed run at the least")
    parser.add_argument("--change", choices=["losses", "propagated"], default="losses",
                        help="decide by the difference of two losses, or by a change in which nothing cancels")
    parser.add_argument("--beta", type=float, help="inf is allowed; else that of the net's figure")
    parser.add_argument("--nodes", help="these points alone: text, a point's number and weight a line")
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


def chosen_net(options):
    net = NETS[options.net]
    if options.beta is not None:
        net = replace(net, beta=options.beta)
    if options.nodes:
        table = np.loadtxt(options.nodes, ndmin=2)
        net = replace(net, nodes=tuple(table[:, 0].astype(int)), node_weights=tuple(table[:, 1]))
    return net


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


def steps_that_take(seconds, run):
    """Doubles the number of steps until run(steps) lasts that long: what is compiled or allocated is so by then."""
    steps = 1
    run(steps)  # compiles
    while True:
        begin = time.perf_counter()
        run(steps)
        lasted = time.perf_counter() - begin
        if lasted >= seconds:
            return steps
        steps *= 2 if lasted > seconds / 4 else 4


def median_seconds(run, steps):
    """Of three runs."""
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        run(steps)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def report(library, version, options, replicas, run, wrong, device=None):
    """Times run(steps), which makes so many proposals of every replica, three times, warm; prints JSON."""
    steps = options.steps
    if steps is None:
        steps = steps_that_take(options.seconds, run)
    else:
        run(steps)
    proposals = replicas * steps
    median = median_seconds(run, steps)
    result = {
        "library": library,
        "version": version,
        "dtype": options.dtype,
        "change": options.change,
        "device": device or options.device,
        "net": options.net,
        "replicas": replicas,
        "proposals": proposals,
        "seconds": median,
        "proposals_per_second": proposals / median,
        "wrong_decision_fraction": wrong,
    }
    print(json.dumps(result), flush=True)

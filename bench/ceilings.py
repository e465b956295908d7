"""How many proposals a second a GPU could make at most, and how many langevo is meant to make: the one table of both.

`gpu_acceptance` and `compare` measure against it. A ceiling counts what the kernels of today really do for one
proposal and lets the card do nothing else, at its full rate: a fraction of it says how much is lost to memory,
synchronisation, bounds, random numbers and idle lanes. A goal may lie above the ceiling: then it needs another kernel.

A proposal evaluates the net at every data point. In float, exact steps take one of two ways
(kernels/change/ladder/ladder.hpp):

- `forward` (kernels/change/two_pass_change.hpp): one forward pass of the proposal, whose outputs are compared with the
  kept ones. One multiply-add for each weight and point; the activation is a quotient of polynomials
  (TanhActivation::quick_value).
- `change` (kernels/change/loss_change.hpp): every layer carries values and changes, for mutations so small that outputs
  must not be subtracted. Two multiply-adds for each weight of the first layer, three for each one above; the activation
  is tanh to full precision, the series of its change and the norms of both, which the bound of the error needs.

`forward` comes first and rests where it leaves more than half of the proposals open; what it leaves open goes to
`change`. With mutations of lambda = 1/10 at t = 1, where `backend_rates` measures, it decides nearly everything, for the
shallow net all but 8 % (counted over 10^4 steps with the teams of the GPU, which carry no values along; at t = 9 the
shallow net takes `change` for everything). Nets that go layer by layer (kernels/layered/layered_change.hpp) and all in
double take `change`.

Instructions of one activation: counted in the machine code of sm_90 (nvcc 13.0, --fmad=false, without loads and stores):
17 for quick_value, 1 of them on the special-function unit (MUFU); 43 for value, change and norms in float, 1 MUFU; in
double 51 of those that go through the double pipe, 1 MUFU. A multiply-add is one instruction. So, for P points, weights
W_1 of the first layer and W of the others, and H hidden units:

  forward: P (W_1 + W + 17 H)        change: P (2 W_1 + 3 W + 43 H)        in double: P (2 W_1 + 3 W + 51 H)

and the ceiling is multiprocessors x clock / max(instructions / rate, MUFU / 16). Rates per clock and multiprocessor:
4 warps of 32 lanes issued; 128 multiply-adds in float (64 on sm_80), 64 in double (32 on sm_80; 2 on the cards that are
not for computing), 16 MUFU: CUDA C++ Programming Guide, "Throughput of Native Arithmetic Instructions". The ceilings of
earlier reports, 4.6e7, 5.4e6, 2.3e6 and 1.6e4, counted three MUFU for each unit and point, which no kernel needs now.
"""
from dataclasses import dataclass

ISSUED = 128  # lanes of 4 warps, per clock and multiprocessor
SPECIAL = 16  # MUFU
FLOAT = {"8.0": 64}  # by compute capability; 128 for the others
DOUBLE = {"8.0": 32, "9.0": 64, "10.0": 64}  # 2 for the others
FLOAT_ELSEWHERE, DOUBLE_ELSEWHERE = 128, 2
ACTIVATION = {"forward": 17, "change": 43, "double": 51}  # instructions for each hidden unit and point
PRODUCTS = {"forward": (1, 1), "change": (2, 3), "double": (2, 3)}  # per point and weight of the first layer, of others


@dataclass(frozen=True)
class Net:
    widths: tuple
    points: int
    in_float: dict  # how often an exact step takes which way

    @property
    def first_weights(self):
        return self.widths[0] * self.widths[1]

    @property
    def other_weights(self):
        return sum(a * b for a, b in zip(self.widths[1:], self.widths[2:]))

    @property
    def units(self):
        return sum(self.widths[1:-1])


NETS = {
    "1,30,1": Net((1, 30, 1), 1000, {"forward": 1, "change": 0.08}),
    "1,256,1": Net((1, 256, 1), 1000, {"forward": 1}),
    "1,32x8,1": Net((1,) + 8 * (32,) + (1,), 1001, {"forward": 1, "change": 0.01}),
    "1,1024,1024,1": Net((1, 1024, 1024, 1), 1001, {"change": 1}),
}


@dataclass(frozen=True)
class Card:
    """A GPU as the ceilings see it."""

    multiprocessors: int
    clock: float  # Hz
    capability: str  # e.g. "9.0"

    def per_second(self, per_clock):
        return self.multiprocessors * self.clock * per_clock

    def multiply_adds(self, rule="float"):
        """Per second."""
        if rule == "double":
            return self.per_second(DOUBLE.get(self.capability, DOUBLE_ELSEWHERE))
        return self.per_second(FLOAT.get(self.capability, FLOAT_ELSEWHERE))


@dataclass(frozen=True)
class Operations:
    """Of one proposal, on average."""

    multiply_adds: float
    activations: float  # instructions of them
    special: float

    @property
    def instructions(self):
        return self.multiply_adds + self.activations


def operations(name, rule):
    """Of an exact step of a net by `rule`, float or double; None for what is not in the table."""
    if name not in NETS or rule not in ("float", "double"):
        return None
    net = NETS[name]
    ways = net.in_float if rule == "float" else {"double": 1}
    products = sum(share * (PRODUCTS[way][0] * net.first_weights + PRODUCTS[way][1] * net.other_weights)
                   for way, share in ways.items())
    activations = sum(share * ACTIVATION[way] for way, share in ways.items())
    special = net.units * sum(ways.values())
    return Operations(net.points * products, net.points * net.units * activations, net.points * special)


def ceiling(name, rule, card):
    """Proposals per second of an exact step, or None."""
    counted = operations(name, rule)
    if counted is None or card is None:
        return None
    # Most arithmetic of an activation goes where multiply-adds go.
    arithmetic = counted.instructions / min(card.multiply_adds(rule), card.per_second(ISSUED))
    return 1 / max(arithmetic, counted.special / card.per_second(SPECIAL))


@dataclass(frozen=True)
class Goal:
    net: str
    rule: str
    replicas: int  # 0: as many as the benchmark has
    rate: float  # per second
    why: str


# For one H100 or H200; the design's section on performance. None of the nodes is there yet.
GOALS = [
    Goal("1,30,1", "screened", 1000, 2e9, "32 lanes draw 32 proposals: 200 warp instructions each, half the issue rate"),
    Goal("1,30,1", "screened", 16384, 4e9, "the same, all schedulers full"),
    Goal("1,30,1", "float", 0, 2e7, "30,000 changes, about 20 instructions each"),
    Goal("1,30,1", "nodes", 0, 4e8, "32 nodes are 32 lanes: about 900 instructions"),
    Goal("1,32x8,1", "nodes", 0, 2e7, "eight products of 32 x 32 x 32 in value and change: 2.5e4 instructions"),
    Goal("1,30,1", "followed langevin", 0, 2e9, "draws and two sums"),
]
FIG1_SECONDS = 8  # all 10^10 proposals
OVER_JAX_FLOAT64 = 100  # any of them, on the same card


def goal(net, rule, replicas):
    """Proposals per second, or None."""
    for entry in GOALS:
        if (entry.net, entry.rule) == (net, rule) and entry.replicas in (0, replicas):
            return entry.rate
    return None


if __name__ == "__main__":
    H100 = Card(132, 1.98e9, "9.0")
    print("| net | rule | instructions of a proposal | proposals/s, 132 multiprocessors at 1.98 GHz |\n|---|---|---|---|")
    for net_name in NETS:
        for kind in ("float", "double"):
            print(f"| {net_name} | {kind} | {operations(net_name, kind).instructions:.3g} "
                  f"| {ceiling(net_name, kind, H100):.2g} |")

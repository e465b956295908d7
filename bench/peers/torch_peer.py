#!/usr/bin/env python3
"""The Metropolis ensemble in PyTorch, replicas batched: one batched product per layer and proposal, in place.

Normal numbers are drawn in float32, as langevo draws them. With --change propagated, states are float64 whatever the
change is evaluated in, as float32 rounds mutations away.
"""
import numpy as np
import torch

import paper_nets


class Ensemble:
    def __init__(self, net, x, replicas, sigma, dtype, device, propagated):
        self.net, self.sigma, self.dtype, self.propagated = net, sigma, dtype, propagated
        self.data = [torch.tensor(v, dtype=dtype, device=device) for v in net.data()]
        state = torch.float64 if propagated else dtype
        self.x = torch.tensor(x, dtype=state, device=device).repeat(replicas, 1)
        self.normals = torch.empty(self.x.shape, dtype=torch.float32, device=device)
        self.loss = self.evaluate(self.x.to(dtype))

    def evaluate(self, x):
        """U of every row of x."""
        points, target, weights = self.data
        h = points[None, None, :]
        for k, (w, b) in enumerate(paper_nets.split(self.net, x)):
            if w.shape[-1] == 1:
                h = w * h if b is None else torch.addcmul(b, w, h)
            else:
                h = torch.bmm(w, h) if b is None else torch.baddbmm(b, w, h)
            if k + 2 < len(self.net.widths):
                h.tanh_()
        return (h[:, 0, :] - target).square_().mul_(weights).sum(dim=1)

    def change(self, x, loss, eps):
        """Of the loss of every row under mutations eps, and the losses then."""
        if self.propagated:
            return paper_nets.loss_change(self.net, x.to(self.dtype), eps, self.data, torch.tanh), loss
        new = self.evaluate(x + eps)
        return new - loss, new

    def step(self):
        eps = self.normals.normal_().to(self.dtype) * self.sigma
        change, loss = self.change(self.x, self.loss, eps)
        if np.isinf(self.net.beta):
            accepted = change <= 0
        else:
            accepted = torch.rand_like(change) < torch.exp(-self.net.beta * change)
        torch.where(accepted[:, None], self.x + eps, self.x, out=self.x)
        torch.where(accepted, loss, self.loss, out=self.loss)

    def decide(self, eps, thresholds):
        eps = torch.tensor(eps, dtype=self.dtype, device=self.x.device)
        limit = torch.tensor(thresholds, dtype=self.dtype, device=self.x.device)
        return (self.change(self.x[:1], self.loss[:1], eps)[0] <= limit).cpu().numpy()


def runner(ensemble, device):
    """run(steps) makes as many proposals of every replica; on a GPU a CUDA graph replays one."""
    if device == "cpu":

        def run(steps):
            for _ in range(steps):
                ensemble.step()

        return run
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            ensemble.step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        ensemble.step()

    def run(steps):
        for _ in range(steps):
            graph.replay()
        torch.cuda.synchronize()

    return run


@torch.no_grad()
def main():
    options = paper_nets.arguments(__doc__)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = False
    net = paper_nets.chosen_net(options)
    sigma = net.sigma(options.lam)
    dtype = getattr(torch, options.dtype)
    x = paper_nets.start_state(net, options)

    def ensemble(replicas):
        return Ensemble(net, x, replicas, sigma, dtype, options.device, options.change == "propagated")

    data = [torch.tensor(v) for v in paper_nets.all_points(net)]

    def exact(eps):
        return paper_nets.loss_change(net, torch.tensor(x)[None, :], torch.tensor(eps), data, torch.tanh).numpy()

    wrong = paper_nets.wrong_decisions(net, ensemble(1).decide, exact, sigma, options.decisions)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"

    def measure(replicas):
        run = runner(ensemble(replicas), options.device)
        paper_nets.report("PyTorch", torch.__version__, options, replicas, run, wrong, name)

    paper_nets.each_batch(options, measure)


if __name__ == "__main__":
    main()

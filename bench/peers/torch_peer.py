#!/usr/bin/env python3
"""The Metropolis ensemble in PyTorch, replicas batched: one batched product per layer and proposal."""
import numpy as np
import torch

import paper_nets


class Ensemble:
    def __init__(self, net, x, replicas, sigma, dtype, device):
        self.net, self.sigma = net, sigma
        points, target = net.data()
        self.points = torch.tensor(points, dtype=dtype, device=device)[None, None, :]
        self.target = torch.tensor(target, dtype=dtype, device=device)
        self.x = torch.tensor(x, dtype=dtype, device=device).repeat(replicas, 1)
        self.proposed = torch.empty_like(self.x)
        self.loss = self.evaluate(self.x)

    def evaluate(self, x):
        """U of every row of x."""
        h = self.points.expand(x.shape[0], 1, -1)
        layers = self.net.layers()
        for k, (weight, bias, fan_out, fan_in) in enumerate(layers):
            w = x[:, weight : weight + fan_out * fan_in].view(-1, fan_out, fan_in)
            if bias is None:
                h = torch.bmm(w, h)
            else:
                h = torch.baddbmm(x[:, bias : bias + fan_out, None], w, h)
            if k + 1 < len(layers):
                h.tanh_()
        return (h[:, 0, :] - self.target).square_().mean(dim=1)

    def step(self):
        torch.randn(self.x.shape, out=self.proposed)
        self.proposed.mul_(self.sigma).add_(self.x)
        loss = self.evaluate(self.proposed)
        change = loss - self.loss
        if np.isinf(self.net.beta):
            accepted = change <= 0
        else:
            accepted = torch.rand_like(change) < torch.exp(-self.net.beta * change)
        torch.where(accepted[:, None], self.proposed, self.x, out=self.x)
        torch.where(accepted, loss, self.loss, out=self.loss)

    def decide(self, eps, thresholds):
        x = self.x[:1] + torch.tensor(eps, dtype=self.x.dtype, device=self.x.device)
        limit = torch.tensor(thresholds, dtype=self.x.dtype, device=self.x.device)
        return (self.evaluate(x) - self.evaluate(self.x[:1]) <= limit).cpu().numpy()


def runner(ensemble, steps, device):
    """run() makes `steps` proposals of every replica; on a GPU a CUDA graph replays one."""
    if device == "cpu":

        def run():
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

    def run():
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
    net = paper_nets.NETS[options.net]
    sigma = net.sigma(options.lam)
    dtype = getattr(torch, options.dtype)
    x = paper_nets.start_state(net, options)
    wrong = paper_nets.wrong_decisions(net, x, Ensemble(net, x, 1, sigma, dtype, options.device).decide, sigma,
                                       options.decisions)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"

    def measure(replicas):
        ensemble = Ensemble(net, x, replicas, sigma, dtype, options.device)
        run = runner(ensemble, options.steps, options.device)
        for _ in range(2):
            ensemble.step()
        paper_nets.report("PyTorch", torch.__version__, options, replicas, run, wrong, name)

    paper_nets.each_batch(options, measure)


if __name__ == "__main__":
    main()

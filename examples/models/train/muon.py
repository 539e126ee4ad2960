"""Momentum, orthogonalised by Newton-Schulz, for weight matrices (Jordan et al., 2024)."""

import torch


class Muon:
    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        self.parameters, self.lr, self.momentum, self.weight_decay = list(parameters), lr, momentum, weight_decay
        self.buffers = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, scale: float):
        for p, buffer in zip(self.parameters, self.buffers):
            buffer.mul_(self.momentum).add_(p.grad)
            update = self.orthogonal(p.grad.add(buffer, alpha=self.momentum))
            lr = self.lr * scale
            p.mul_(1 - lr * self.weight_decay)
            p.add_(update, alpha=-lr * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

    @staticmethod
    def orthogonal(g):
        a, b, c = 3.4445, -4.7750, 2.0315
        transpose = g.shape[0] > g.shape[1]
        x = (g.t() if transpose else g) / (g.norm() + 1e-7)
        for _ in range(5):
            gram = x @ x.t()
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.t() if transpose else x

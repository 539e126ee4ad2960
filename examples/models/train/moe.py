"""A mixture of SwiGLU experts, as ONNX Runtime's MoE computes it with `normalize_routing_weights`."""

import torch
from torch import nn

from mlp import Mlp


class MixtureOfExperts(nn.Module):
    """The softmax over all router logits, its largest few divided by their sum, weighs what their experts give."""

    def __init__(self, c):
        super().__init__()
        self.active = c.num_experts_per_tok
        self.gate = nn.Linear(c.hidden_size, c.num_experts, bias=False)
        self.experts = nn.ModuleList(Mlp(c) for _ in range(c.num_experts))
        self.imbalance = torch.zeros(())

    def forward(self, x):
        rows = x.flatten(0, -2)
        shares = self.gate(rows).softmax(-1)
        weights, chosen = shares.topk(self.active, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        # Rows sorted by expert, so that each expert is one matrix product.
        order = chosen.flatten().argsort(stable=True)
        counts = torch.bincount(chosen.flatten(), minlength=len(self.experts))
        sorted_rows = rows.index_select(0, order // self.active).split(counts.tolist())
        given = torch.cat([expert(part) for expert, part in zip(self.experts, sorted_rows)])
        back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
        given = given.index_select(0, back).view(len(rows), self.active, -1)
        # Fedus et al., 2021: 1 where every expert gets as much, more where some get most.
        self.imbalance = len(self.experts) * (counts / counts.sum() * shares.mean(0)).sum()
        return (weights.unsqueeze(-1) * given).sum(1).view_as(x)

"""A mixture of experts made from a trained dense model, to be trained on (sparse upcycling, Komatsuzaki et al., 2022)."""

import torch

from model import Config, TinyTs


@torch.no_grad()
def upcycle(dense: TinyTs, config: Config) -> TinyTs:
    """Everything but the feed-forwards is `dense`'s. Its hidden units, the largest first, are dealt out to the experts of
    half the count that fit, and to the others once more: routing, random at first, tells the two halves apart."""
    model = TinyTs(config)
    model.load_state_dict(dense.state_dict(), strict=False)
    for layer, source in zip(model.layers, dense.layers):
        gate, up, down = source.mlp.gate_proj.weight, source.mlp.up_proj.weight, source.mlp.down_proj.weight
        largest = (gate.norm(dim=1) * up.norm(dim=1) * down.norm(dim=0)).argsort(descending=True)
        hands = config.num_experts // 2
        for i, expert in enumerate(layer.mlp.experts):
            units = largest[i % hands::hands][:config.intermediate_size]
            expert.gate_proj.weight.copy_(gate[units])
            expert.up_proj.weight.copy_(up[units])
            # Two experts share a weight of 1 where their units had 1 each.
            expert.down_proj.weight.copy_(down[:, units] * config.num_experts_per_tok)
    return model

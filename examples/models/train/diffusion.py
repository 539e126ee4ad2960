"""Block diffusion (Arriola et al., 2025): causal across blocks, bidirectional within one, whose tokens are guessed from
a masked copy. The prefix is seen as it is, by the same keys and values for good: a KV cache of it is exact."""

import torch
import torch.nn.functional as F

from bpe import BYTE_TO_CHAR

# Byte 0xFF is in no UTF-8 text: its token is free to stand for what is yet to be guessed, and the vocabulary stays as it is.
MASK_BYTE = 0xFF
BLOCK_SIZES = (1, 2, 4, 8, 16, 32, 64)
LEAST_TIME = 1e-3


def mask_token() -> int:
    """Its id: ids are the end of text, then the bytes in the order of their printable stand-ins."""
    return 1 + sorted(BYTE_TO_CHAR.values()).index(BYTE_TO_CHAR[MASK_BYTE])


def attention_mask(length: int, block: int, noisy: bool) -> torch.Tensor:
    """Additive mask, 0 or -inf: rows see columns.

    Clean tokens [length]: a token sees its block and all before it. With `noisy` a masked copy stands before them,
    [length + length]: its tokens see their own block of the copy, and the clean blocks before it.
    """
    at = torch.arange(length) // block
    clean = at[:, None] >= at[None, :]
    if noisy:
        same, before = at[:, None] == at[None, :], at[:, None] > at[None, :]
        clean = torch.cat([torch.cat([same, before], 1), torch.cat([torch.zeros_like(same), clean], 1)])
    return torch.zeros(clean.shape).masked_fill(~clean, float("-inf"))


def mask_some(tokens: torch.Tensor, block: int, generator: torch.Generator):
    """(`tokens` [batch, length] with some masked, the weight of each position in the loss).

    Every block has a time t of its own, spread evenly over (0, 1], at which a token is masked with probability t. Masked
    tokens weigh 1 / t, others nothing: in the mean over t a bound on the text's negative log likelihood.
    """
    batch, length = tokens.shape
    blocks = -(-length // block)
    strata = torch.randperm(batch * blocks, generator=generator).float()
    time = (strata + torch.rand(batch * blocks, generator=generator)) / (batch * blocks)
    time = time.clamp(min=LEAST_TIME).view(batch, blocks).repeat_interleave(block, 1)[:, :length]
    masked = torch.rand(tokens.shape, generator=generator) < time
    return tokens.masked_fill(masked, mask_token()), masked / time


def diffusion_loss(model, tokens: torch.Tensor, block: int, generator: torch.Generator) -> torch.Tensor:
    """Bound in nats a token for blocks of `block`."""
    length = tokens.shape[1]
    noisy, weight = mask_some(tokens, block, generator)
    positions = torch.arange(length).repeat(2)
    # Of the clean copy only keys and values matter.
    logits = model(torch.cat([noisy, tokens], 1), attention_mask(length, block, noisy=True), positions)[:, :length]
    return (F.cross_entropy(never_the_mask(logits).flatten(0, 1), tokens.flatten(), reduction="none") * weight.flatten()).mean()


def never_the_mask(logits: torch.Tensor) -> torch.Tensor:
    """A guess is a token of the text."""
    return logits.index_fill(-1, torch.tensor([mask_token()]), float("-inf"))


@torch.no_grad()
def generate(model, tokens: list[int], block: int, count: int, steps: int) -> list[int]:
    """`count` tokens after `tokens` (a multiple of `block` of them), block by block: in each of `steps` rounds the
    guesses that are surest stay."""
    out = list(tokens)
    while len(out) < len(tokens) + count:
        guess = torch.full((block,), mask_token())
        for left in range(steps, 0, -1):
            open_ = guess == mask_token()
            row = torch.cat([torch.tensor(out, dtype=torch.long), guess])
            logits = model(row[None], attention_mask(len(row), block, noisy=False))[0, len(out):]
            sure, ids = never_the_mask(logits).softmax(-1).max(-1)
            keep = sure.masked_fill(~open_, -1).topk(-(-int(open_.sum()) // left)).indices
            guess[keep] = ids[keep]
        out += guess.tolist()
    return out[: len(tokens) + count]

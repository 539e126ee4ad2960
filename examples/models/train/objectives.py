"""What a step minimises, and how a model is judged on held-out text."""

import numpy as np
import torch
import torch.nn.functional as F

import diffusion
from data import windows

BALANCE = 0.2  # weight of the experts' imbalance in the loss


class NextToken:
    """The next token of the text or, where `teacher` is given, what it expects there."""

    def loss(self, model, inputs, targets, step: int, teacher=None):
        """(what is minimised, nats a token of the text)."""
        logits = model(inputs).flatten(0, 1)
        text = F.cross_entropy(logits, targets.flatten())
        if teacher is None:
            return text + BALANCE * model.imbalance(), text.item()
        with torch.no_grad():
            wanted = teacher(inputs).flatten(0, 1).softmax(-1)
        return F.cross_entropy(logits, wanted), text.item()

    def report(self, model, stream, teacher=None) -> str:
        loss, agreed = validate(model, stream, teacher=teacher)
        at_limit, _ = validate(model, stream, 1024, 16)
        agreement = f" agreement {agreed:.4f}" if teacher else ""
        return f"validation {loss:.4f} at 1024 {at_limit:.4f}{agreement}"


class BlockDiffusion:
    """The masked tokens of blocks, whose size is another one each step."""

    def __init__(self, seed: int):
        self.seed = seed

    def loss(self, model, inputs, targets, step: int, teacher=None):
        block = diffusion.BLOCK_SIZES[step % len(diffusion.BLOCK_SIZES)]
        loss = diffusion.diffusion_loss(model, inputs, block, self.generator(step))
        return loss, loss.item()

    @torch.no_grad()
    def report(self, model, stream, teacher=None, context: int = 256, rows: int = 64) -> str:
        starts = np.linspace(0, len(stream) - context - 1, rows).astype(int)
        bounds = []
        for block in (1, 8, 64):
            parts = [windows(stream, part, context)[0] for part in np.array_split(starts, rows // 8)]
            total = sum(diffusion.diffusion_loss(model, p, block, self.generator(i)).item() for i, p in enumerate(parts))
            bounds.append(f"{total / len(parts):.4f} in blocks of {block}")
        return f"validation {', '.join(bounds)}"

    def generator(self, step: int) -> torch.Generator:
        """Another one for each step, the same in each run."""
        return torch.Generator().manual_seed(self.seed * 1_000_003 + step)


@torch.no_grad()
def validate(model, stream, context: int = 256, rows: int = 64, teacher=None) -> tuple[float, float]:
    """Over `rows` windows spread evenly over the held-out stream: the mean loss in nats a token, and the share of
    positions where model and teacher prefer the same token (0 without a teacher)."""
    starts = np.linspace(0, len(stream) - context - 1, rows).astype(int)
    total = agreed = 0.0
    for chunk in np.array_split(starts, rows // 8):
        inputs, targets = windows(stream, chunk, context)
        logits = model(inputs)
        total += F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item() * len(chunk)
        if teacher:
            agreed += (logits.argmax(-1) == teacher(inputs).argmax(-1)).float().mean().item() * len(chunk)
    return total / rows, agreed / rows

#!/usr/bin/env python3
"""Trains tiny-ts from nothing. `README.md` beside this file has the command, the time and the loss reached."""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import bpe
import corpus
from model import Config, TinyTs

HERE = Path(__file__).parent
EDIT_SHARE = 0.12  # of the training stream: rename tasks, so that copying with a change is learnt
PHASES = [  # (share of the steps, batch, context): short contexts first, the full one last
    (0.40, 64, 128),
    (0.45, 32, 256),
    (0.12, 12, 640),
    (0.03, 8, 1024),
]


def prepare(work: Path, seed: int, vocab_size: int):
    """Tokenizer, training stream, held-out stream; cached in `work`."""
    done = work / "prepared.npz"
    training, held_out = corpus.read(corpus.fetch(work / "packages", HERE / "corpus.json"))
    if done.exists():
        arrays = np.load(done)
        return arrays["training"], arrays["held_out"], training, held_out
    print(f"{len(training)} training files, {len(held_out)} held out", flush=True)
    tokenizer = bpe.Tokenizer(bpe.train((t for _, t, _ in training), vocab_size))
    tokenizer.save(work / "tokenizer.json")
    rng = random.Random(seed)
    documents = [tokenizer.encode(text) for _, text, weight in training for _ in range(weight)]
    plain = sum(map(len, documents))
    edits, size = [], 0
    while size < EDIT_SHARE * plain:
        task = corpus.rename_edit(rng.choice(training)[1], rng, max_lines=40)
        if task:
            edits.append(tokenizer.encode(task))
            size += len(edits[-1])
    documents += edits
    rng.shuffle(documents)
    join = lambda docs: np.concatenate([np.array([0, *d], np.uint16) for d in docs])
    held = join([tokenizer.encode(t) for _, t, _ in held_out])
    arrays = {"training": join(documents), "held_out": held}
    np.savez(done, **arrays)
    chars = sum(len(t) for _, t, _ in held_out)
    print(f"{len(arrays['training'])} training tokens, {len(held)} held out, "
          f"{chars / len(held):.2f} characters a token", flush=True)
    return arrays["training"], arrays["held_out"], training, held_out


class Muon:
    """Momentum, orthogonalised by Newton-Schulz, for weight matrices (Jordan et al., 2024)."""

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


def sample(stream, batch: int, context: int, rng):
    starts = rng.integers(0, len(stream) - context - 1, batch)
    rows = np.stack([stream[s:s + context + 1] for s in starts]).astype(np.int64)
    return torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])


@torch.no_grad()
def validate(model, stream, context: int = 256, rows: int = 64) -> float:
    """Mean loss in nats a token over `rows` windows spread evenly over the held-out stream."""
    starts = np.linspace(0, len(stream) - context - 1, rows).astype(int)
    total = 0.0
    for chunk in np.array_split(starts, rows // 8):
        data = torch.from_numpy(np.stack([stream[s:s + context + 1] for s in chunk]).astype(np.int64))
        total += F.cross_entropy(model(data[:, :-1]).flatten(0, 1), data[:, 1:].flatten()).item() * len(chunk)
    return total / rows


def save(model, path: Path) -> None:
    """fp16 safetensors: an 8-byte header length, a JSON header, the tensors."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in model.state_dict().items():
        blob = tensor.detach().to(torch.float16).contiguous().numpy().tobytes()
        header[f"model.{name}"] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def load(model, path: Path) -> None:
    """Reads what `save` wrote."""
    blob = path.read_bytes()
    size = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:8 + size])
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            values = np.frombuffer(blob[start:end], np.float16).reshape(entry["shape"])
            state[name.removeprefix("model.")] = torch.from_numpy(values.astype(np.float32))
    model.load_state_dict(state)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/tiny-ts"))
    parser.add_argument("--out", type=Path, default=HERE.parent / "tiny-ts")
    parser.add_argument("--steps", type=int, default=1050)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="weights of an earlier run")
    parser.add_argument("--from-step", type=int, default=0, help="step of the schedule to go on from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=int, default=50)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    config = Config()
    args.work.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    training, held_out, _, _ = prepare(args.work, args.seed, config.vocab_size)
    (args.out / "tokenizer.json").write_bytes((args.work / "tokenizer.json").read_bytes())
    (args.out / "config.json").write_text(json.dumps(config.to_json(), indent=2) + "\n")

    model = TinyTs(config)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim == 1 or "embed" in n]
    muon = Muon(matrices, lr=0.02)
    adam = torch.optim.AdamW(others, lr=4e-3, betas=(0.9, 0.95), weight_decay=0.0)
    if args.resume:
        load(model, args.resume)
    rng = np.random.default_rng(args.seed + args.from_step)
    began, seen, average = time.time(), 0, None
    for step in range(args.from_step, args.steps):
        done, passed = step / args.steps, 0.0
        for share, batch, context in PHASES:
            passed += share
            if done < passed:
                break
        # Warm up, hold, then fall linearly to zero over the second half.
        scale = min(1.0, (step - args.from_step + 1) / 20, (1 - done) / 0.5)
        inputs, targets = sample(training, batch, context, rng)
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        muon.momentum = min(0.95, 0.85 + 0.1 * step / 200)
        muon.step(scale)
        for group in adam.param_groups:
            group["lr"] = 4e-3 * scale
        adam.step()
        seen += batch * context
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if not math.isfinite(average):
            raise SystemExit(f"step {step}: the loss is {loss.item()}")
        if step % 5 == 0:
            print(f"step {step} loss {average:.3f} tokens {seen} tokens/s {seen / (time.time() - began):.0f}", flush=True)
        if (step + 1) % args.save_every == 0 or step + 1 == args.steps:
            model.eval()
            print(f"step {step + 1} validation {validate(model, held_out):.4f} "
                  f"at 1024 {validate(model, held_out, 1024, 16):.4f}", flush=True)
            model.train()
            save(model, args.out / "model.safetensors")


if __name__ == "__main__":
    main()

"""The token streams of the corpus, and windows of them."""

import random
from pathlib import Path

import numpy as np
import torch

import bpe
import corpus

HERE = Path(__file__).parent
VOCABULARY = 2048
EDIT_SHARE = 0.12  # of the training stream: rename tasks, so that copying with a change is learnt


def prepare(work: Path, seed: int):
    """(training, held-out) token streams; the tokenizer goes to `work`. Cached there."""
    done = work / "prepared.npz"
    if done.exists():
        arrays = np.load(done)
        return arrays["training"], arrays["held_out"]
    work.mkdir(parents=True, exist_ok=True)
    training, held_out = corpus.read(corpus.fetch(work / "packages", HERE / "corpus.json"))
    print(f"{len(training)} training files, {len(held_out)} held out", flush=True)
    tokenizer = bpe.Tokenizer(bpe.train((t for _, t, _ in training), VOCABULARY))
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
    return arrays["training"], arrays["held_out"]


def sample(stream, batch: int, context: int, rng):
    """Inputs and targets [batch, context] from random places."""
    starts = rng.integers(0, len(stream) - context - 1, batch)
    return windows(stream, starts, context)


def windows(stream, starts, context: int):
    """Inputs and targets [starts, context]."""
    rows = np.stack([stream[s:s + context + 1] for s in starts]).astype(np.int64)
    return torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])

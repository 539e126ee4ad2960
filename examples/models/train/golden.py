#!/usr/bin/env python3
"""Writes `golden.json` beside a model's weights: what this model computes, for other implementations to be held against."""

import argparse
import json
from pathlib import Path

import torch

import bpe
from checkpoint import read_model

HERE = Path(__file__).parent
PROMPTS = 8
PROMPT_TOKENS = 64  # the last of each prompt
CONTINUATION_TOKENS = 32
TEXT_TOKENS = 96


def tokenizer(folder: Path) -> bpe.Tokenizer:
    merges = json.loads((folder / "tokenizer.json").read_text())["model"]["merges"]
    return bpe.Tokenizer([tuple(merge.split(" ")) for merge in merges])


@torch.no_grad()
def continuation(model, tokens: list[int]) -> tuple[list[int], float]:
    """The greedy continuation, and the smallest lead of a token over the next best one."""
    out, lead = list(tokens), float("inf")
    for _ in range(CONTINUATION_TOKENS):
        values, ids = model(torch.tensor([out]))[0, -1].topk(2)
        lead = min(lead, (values[0] - values[1]).item())
        out.append(ids[0].item())
    return out[len(tokens):], lead


@torch.no_grad()
def digest(model, tokens: list[int]) -> list[list[float]]:
    """Per position: the preferred token, its logit, the log of the sum of the exponentials of all logits."""
    logits = model(torch.tensor([tokens]))[0]
    values, ids = logits.max(-1)
    rows = zip(ids.tolist(), values.tolist(), logits.logsumexp(-1).tolist())
    return [[token, round(value, 5), round(total, 5)] for token, value, total in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    model = read_model(folder)
    encode = tokenizer(HERE.parent / "tiny-ts").encode
    prompts = json.loads((HERE.parent / "tiny-ts" / "prompts.json").read_text())["prompts"]
    prompts = [prompt for prompt in prompts if prompt["kind"] != "long"]
    greedy, leads = [], []
    for prompt in prompts[:: len(prompts) // PROMPTS][:PROMPTS]:
        tokens = encode(prompt["prompt"])[-PROMPT_TOKENS:]
        out, lead = continuation(model, tokens)
        greedy.append({"id": prompt["id"], "tokens": tokens, "continuation": out})
        leads.append(lead)
    text = encode(prompts[-1]["prompt"] + prompts[0]["prompt"])[:TEXT_TOKENS]
    golden = {"version": 1, "greedy": greedy, "text": text, "logits": digest(model, text)}
    lines = json.dumps(golden, separators=(",", ":")).replace('{"id"', '\n{"id"').replace('"text"', '\n"text"').replace('"logits"', '\n"logits"')
    (folder / "golden.json").write_text(lines + "\n")
    print(f"{len(greedy)} continuations, smallest lead {min(leads):.4f} nats")


if __name__ == "__main__":
    main()

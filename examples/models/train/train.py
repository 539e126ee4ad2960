#!/usr/bin/env python3
"""Trains one of `recipes.py` from nothing. `README.md` beside this file has the commands, the time and the loss reached."""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch

import checkpoint
from data import prepare, sample
from model import TinyTs
from muon import Muon
from objectives import BlockDiffusion, NextToken
from recipes import RECIPES
from upcycle import upcycle

HERE = Path(__file__).parent
MUON_LR, ADAM_LR = 0.02, 4e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=RECIPES)
    parser.add_argument("--work", type=Path, default=Path("/tmp/tiny-ts"))
    parser.add_argument("--out", type=Path, help="folder of the result; default: beside this one")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--hold", type=int)
    parser.add_argument("--stop", type=int, help="step to stop at, as if killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--distil", action="store_true",
                        help="learn the teacher's distribution instead of the text while the learning rate falls")
    parser.add_argument("--resume", type=Path, help="weights of an earlier run")
    parser.add_argument("--from-step", type=int, default=0, help="step of the schedule to go on from, with --resume")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=int, default=50)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    recipe = RECIPES[args.model]
    steps, hold = args.steps or recipe.steps, args.hold or recipe.hold
    out = args.out or HERE.parent / args.model
    out.mkdir(parents=True, exist_ok=True)
    training, held_out = prepare(args.work, args.seed)
    if args.model == "tiny-ts":  # whose tokenizer all use
        (out / "tokenizer.json").write_bytes((args.work / "tokenizer.json").read_bytes())
    (out / "config.json").write_text(json.dumps(recipe.config.to_json(), indent=2) + "\n")

    model = TinyTs(recipe.config)
    if recipe.upcycled:
        model = upcycle(checkpoint.read_model(HERE.parent / recipe.upcycled), recipe.config)
    teacher = checkpoint.read_model(HERE.parent / recipe.teacher) if recipe.teacher else None
    objective = BlockDiffusion(args.seed) if recipe.config.mask_token_id else NextToken()
    learnt_from = teacher if args.distil else None
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim == 1 or "embed" in n]
    muon = Muon(matrices, lr=MUON_LR)
    adam = torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0)
    first = args.from_step
    if args.resume:
        checkpoint.load(model, args.resume)
    rng = np.random.default_rng(args.seed + args.from_step)
    # What is left where a run dies; the same command goes on from it.
    progress = args.work / f"{args.model}.progress.pt"
    if progress.exists():
        state = torch.load(progress)
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        muon.buffers, first, rng = state["muon"], state["step"], state["rng"]
        print(f"going on from step {first}", flush=True)
    began, seen, average = time.time(), 0, None
    for step in range(first, args.stop or steps):
        done, passed = step / steps, 0.0
        for share, batch, context in recipe.phases:
            passed += share
            if done < passed:
                break
        # Warm up, hold, then fall linearly to zero.
        scale = recipe.peak * min(1.0, (step - args.from_step + 1) / 20, (steps - step) / (steps - hold))
        inputs, targets = sample(training, batch, context, rng)
        loss, text = objective.loss(model, inputs, targets, step, learnt_from if step >= hold else None)
        model.zero_grad(set_to_none=True)
        loss.backward()
        muon.momentum = min(0.95, 0.85 + 0.1 * step / 200)
        muon.step(scale)
        for group in adam.param_groups:
            group["lr"] = ADAM_LR * scale
        adam.step()
        seen += batch * context
        average = text if average is None else 0.98 * average + 0.02 * text
        if not math.isfinite(average):
            raise SystemExit(f"step {step}: the loss is {text}")
        if step % 5 == 0:
            print(f"step {step} loss {average:.3f} imbalance {float(model.imbalance()):.3f} tokens {seen} "
                  f"tokens/s {seen / (time.time() - began):.0f}", flush=True)
        if (step + 1) % args.save_every == 0 or step + 1 == steps:
            print(f"step {step + 1} {objective.report(model, held_out, teacher)}", flush=True)
            checkpoint.save(model, out / "model.safetensors")
            written = progress.with_suffix(".new")
            torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.buffers,
                        "step": step + 1, "rng": rng}, written)
            os.replace(written, progress)
    if not args.stop:
        progress.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Cuts the prompts of the demo and the benches from the held-out files: three kinds, COUNT of each, and LONG_COUNT long ones."""

import argparse
import json
import random
import re
from pathlib import Path

import corpus

HERE = Path(__file__).parent
COUNT = 16
CONTINUE_CHARS = (500, 1200)
EDIT_LINES = (8, 24)
EDIT_CHARS = (200, 900)
NOVEL_CHARS = (60, 200)
LONG_COUNT = 8
LONG_CHARS = 2400


def cut_continue(text: str, rng: random.Random) -> str | None:
    """A file up to some line: what an editor completes."""
    lines = text.split("\n")
    size = rng.randint(*CONTINUE_CHARS)
    start = rng.randrange(max(1, len(lines) // 2))
    prompt = ""
    for line in lines[start:]:
        prompt += line + "\n"
        if len(prompt) >= size:
            return prompt if len(prompt) < 2 * size and text.endswith(prompt) is False else None
    return None


def cut_edit(text: str, rng: random.Random) -> str | None:
    """A rename task without its answer: most of the output repeats the prompt."""
    for _ in range(20):
        task = corpus.rename_edit(text, rng, EDIT_LINES[1])
        if task is None:
            continue
        prompt = task[: task.index("// after\n") + len("// after\n")]
        if prompt.count("\n") >= EDIT_LINES[0] and EDIT_CHARS[0] <= len(prompt) <= EDIT_CHARS[1]:
            return prompt
    return None


def cut_novel(text: str, rng: random.Random) -> str | None:
    """The head of one declaration alone: little to repeat."""
    starts = [m.start() for m in re.finditer(r"^(export |/\*\*|const |function |class )", text, re.M)]
    if not starts:
        return None
    start = rng.choice(starts)
    end = text.find("\n", start + rng.randint(*NOVEL_CHARS))
    prompt = text[start:end + 1]
    return prompt if NOVEL_CHARS[0] <= len(prompt) <= 2 * NOVEL_CHARS[1] else None


def cut_long(text: str, rng: random.Random) -> str | None:
    """Some 800 tokens of a file: most of the model's context."""
    starts = [m.end() for m in re.finditer(r"\n", text[:-LONG_CHARS])] if len(text) > LONG_CHARS else []
    if not starts:
        return None
    start = rng.choice(starts)
    return text[start:text.rfind("\n", start, start + LONG_CHARS) + 1] or None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/tmp/tiny-ts"))
    parser.add_argument("--out", type=Path, default=HERE.parent / "tiny-ts" / "prompts.json")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    packages = corpus.fetch(args.work / "packages", HERE / "corpus.json")
    _, held_out = corpus.read(packages)
    rng = random.Random(args.seed)
    files = sorted(held_out)
    prompts = []
    kinds = (("continue", cut_continue, COUNT), ("edit", cut_edit, COUNT), ("novel", cut_novel, COUNT), ("long", cut_long, LONG_COUNT))
    for kind, cut, count in kinds:
        seen, turn = set(), 0
        while len(seen) < count:
            name, text, _ = files[turn % len(files)]
            turn += 1
            prompt = cut(text, rng)
            if prompt and prompt not in seen:
                seen.add(prompt)
                prompts.append({"id": f"{kind}-{len(seen):02}", "kind": kind, "source": name, "prompt": prompt})
    args.out.write_text(json.dumps({"version": 1, "prompts": prompts}, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(prompts)} prompts from {len({p['source'] for p in prompts})} held-out files -> {args.out}")


if __name__ == "__main__":
    main()

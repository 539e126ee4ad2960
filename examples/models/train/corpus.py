"""Collects the corpus: fetches the packages of corpus.json, filters, splits by file hash.

A file is held out when the first byte of sha256(path) is below HELD_OUT_BYTE (about 2% of files).
Held-out files are never trained on; validation loss and the bench prompts come from them.
"""

import hashlib
import json
import random
import re
import subprocess
import tarfile
from pathlib import Path

HELD_OUT_BYTE = 5  # of 256: about 2% of files
MAX_FILE_BYTES = 200_000
MAX_LINE_CHARS = 300
MIN_FILE_BYTES = 200


def fetch(work: Path, corpus_file: Path) -> list[dict]:
    """Downloads and unpacks each package of the list into `work`; returns the list."""
    packages = json.loads(corpus_file.read_text())["packages"]
    work.mkdir(parents=True, exist_ok=True)
    for package in packages:
        folder = work / f"{package['name'].replace('/', '__')}-{package['version']}"
        package["folder"] = folder
        if folder.exists():
            continue
        spec = f"{package['name']}@{package['version']}"
        packed = subprocess.run(
            ["npm", "pack", spec, "--silent", "--pack-destination", str(work)],
            check=True, capture_output=True, text=True,
        ).stdout.split()[-1]
        with tarfile.open(work / packed) as archive:
            archive.extractall(folder)
    return packages


def is_source(path: Path) -> bool:
    return path.suffix in (".ts", ".tsx", ".mts", ".cts")


def acceptable(text: str) -> bool:
    """Leaves out generated tables, minified code and near-empty files."""
    if not MIN_FILE_BYTES <= len(text) <= MAX_FILE_BYTES:
        return False
    if max(map(len, text.split("\n"))) > MAX_LINE_CHARS:
        return False
    ascii_share = sum(c < "\x7f" for c in text) / len(text)
    return ascii_share > 0.98


def read(packages: list[dict]) -> tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]:
    """Returns (training, held-out) files as (name, text, weight), sorted by name, without duplicates."""
    seen: set[bytes] = set()
    training, held_out = [], []
    for package in packages:
        root = package["folder"]
        sources = [p for p in root.rglob("*") if p.is_file() and is_source(p)]
        # Declaration files are compiled from sources where a package ships sources too.
        if any(not p.name.endswith((".d.ts", ".d.mts", ".d.cts")) for p in sources):
            sources = [p for p in sources if ".d." not in p.name]
        for path in sorted(sources):
            text = path.read_text("utf8", errors="ignore").replace("\r\n", "\n").replace("\t", "  ")
            digest = hashlib.sha256(text.encode()).digest()
            if digest in seen or not acceptable(text):
                continue
            seen.add(digest)
            name = f"{package['name']}/{path.relative_to(root).as_posix().split('/', 1)[1]}"
            held = hashlib.sha256(name.encode()).digest()[0] < HELD_OUT_BYTE
            (held_out if held else training).append((name, text, package["weight"]))
    return training, held_out


IDENTIFIER = re.compile(r"\b[a-zA-Z_][A-Za-z0-9_]{2,23}\b")
KEYWORDS = set(
    "export const import from function return type interface extends readonly string number boolean "
    "undefined null this new class for while case break default switch throw async await void any "
    "unknown never let var typeof keyof infer true false else the and that with public private static "
    "declare namespace module implements super yield delete instanceof".split()
)


def rename_edit(text: str, rng: random.Random, max_lines: int) -> str | None:
    """A rename task cut from `text`: the instruction, the lines before, the lines after."""
    lines = text.split("\n")
    length = rng.randint(4, max_lines)
    if len(lines) < length + 2:
        return None
    start = rng.randrange(len(lines) - length)
    before = "\n".join(lines[start:start + length]).rstrip()
    names = [n for n in IDENTIFIER.findall(before) if n not in KEYWORDS]
    others = [n for n in IDENTIFIER.findall(text) if n not in KEYWORDS and n not in names]
    if not names or not others:
        return None
    old, new = rng.choice(names), rng.choice(others)
    after = re.sub(rf"\b{old}\b", new, before)
    return f"// rename {old} to {new}\n// before\n{before}\n// after\n{after}\n"

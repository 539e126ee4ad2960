"""Byte-level BPE, trained from word counts and saved as a Hugging Face tokenizer.json."""

import heapq
import json
from collections import Counter, defaultdict
from pathlib import Path

import regex

# The GPT-2 split, which Hugging Face's ByteLevel pre-tokenizer applies with use_regex.
SPLIT = regex.compile(
    r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
)
END_OF_TEXT = "<|endoftext|>"


def byte_to_char() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in printable}
    extra = 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTE_TO_CHAR = byte_to_char()


def to_symbols(word: str) -> tuple[str, ...]:
    return tuple(BYTE_TO_CHAR[b] for b in word.encode("utf8"))


def train(texts, vocab_size: int) -> list[tuple[str, str]]:
    """Returns the merges, most frequent pair first, for a vocabulary of `vocab_size`."""
    counts = Counter(word for text in texts for word in SPLIT.findall(text))
    words = [list(to_symbols(w)) for w in counts]
    freq = list(counts.values())
    pair_count: Counter = Counter()
    pair_words = defaultdict(set)
    for i, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pair_count[pair] += freq[i]
            pair_words[pair].add(i)
    heap = [(-c, p) for p, c in pair_count.items()]
    heapq.heapify(heap)
    merges: list[tuple[str, str]] = []
    while len(merges) < vocab_size - 256 - 1 and heap:
        negative, pair = heapq.heappop(heap)
        if -negative != pair_count[pair]:  # stale entry
            if pair_count[pair] > 0:
                heapq.heappush(heap, (-pair_count[pair], pair))
            continue
        merges.append(pair)
        changed = set()
        for i in list(pair_words[pair]):
            symbols = words[i]
            for old in zip(symbols, symbols[1:]):
                pair_count[old] -= freq[i]
            merged, j = [], 0
            while j < len(symbols):
                if j + 1 < len(symbols) and (symbols[j], symbols[j + 1]) == pair:
                    merged.append(symbols[j] + symbols[j + 1])
                    j += 2
                else:
                    merged.append(symbols[j])
                    j += 1
            words[i] = merged
            for new in zip(merged, merged[1:]):
                pair_count[new] += freq[i]
                pair_words[new].add(i)
                changed.add(new)
        for new in changed:
            heapq.heappush(heap, (-pair_count[new], new))
    return merges


class Tokenizer:
    def __init__(self, merges: list[tuple[str, str]]):
        self.merges = merges
        alphabet = sorted(BYTE_TO_CHAR.values())
        tokens = [END_OF_TEXT, *alphabet, *("".join(m) for m in merges)]
        self.ids = {t: i for i, t in enumerate(dict.fromkeys(tokens))}
        self.rank = {m: i for i, m in enumerate(merges)}
        self.cache: dict[str, list[int]] = {}

    def word(self, word: str) -> list[int]:
        known = self.cache.get(word)
        if known is not None:
            return known
        symbols = list(to_symbols(word))
        while len(symbols) > 1:
            ranked = [(self.rank.get(p, 1 << 30), j) for j, p in enumerate(zip(symbols, symbols[1:]))]
            best, j = min(ranked)
            if best == 1 << 30:
                break
            symbols[j:j + 2] = [symbols[j] + symbols[j + 1]]
        ids = [self.ids[s] for s in symbols]
        self.cache[word] = ids
        return ids

    def encode(self, text: str) -> list[int]:
        return [i for w in SPLIT.findall(text) for i in self.word(w)]

    def save(self, path: Path) -> None:
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        path.write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{
                "id": 0, "content": END_OF_TEXT, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True,
            }],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": byte_level,
            "decoder": byte_level,
            "model": {
                "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                "vocab": self.ids, "merges": [" ".join(m) for m in self.merges],
            },
        }, ensure_ascii=False))

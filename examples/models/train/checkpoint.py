"""A model's folder: config.json, and fp16 safetensors: an 8-byte header length, a JSON header, the tensors."""

import json
from pathlib import Path

import numpy as np
import torch

from model import Config, TinyTs


def save(model, path: Path) -> None:
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


def read_model(folder: Path) -> TinyTs:
    """The model in `folder`, not to be trained."""
    known = Config.__dataclass_fields__
    config = json.loads((folder / "config.json").read_text())
    model = TinyTs(Config(**{key: value for key, value in config.items() if key in known})).requires_grad_(False)
    load(model, folder / "model.safetensors")
    return model

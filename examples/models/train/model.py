"""RMSNorm, rotary, grouped-query attention, SwiGLU or a mixture of it, tied embedding. Weights named as in Llama or Qwen3-MoE."""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

from mlp import Mlp
from moe import MixtureOfExperts

QUERY_BLOCK = 128


@dataclass
class Config:
    vocab_size: int = 2048
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 6
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    max_position_embeddings: int = 1024
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    num_experts: int = 0  # 0: a dense feed-forward
    num_experts_per_tok: int = 0
    mask_token_id: int | None = None  # of block diffusion

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    def to_json(self) -> dict:
        sizes = asdict(self)
        if self.num_experts:
            kind = {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe"}
            mixture = {"moe_intermediate_size": self.intermediate_size, "norm_topk_prob": True}
        else:
            kind, mixture = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, {}
            del sizes["num_experts"], sizes["num_experts_per_tok"]
        if self.mask_token_id is None:
            del sizes["mask_token_id"]
        return {
            **kind, **sizes, **mixture,
            "head_dim": self.head_dim, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
            "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float16",
        }


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rotary(config: Config):
    """cos and sin [positions, head_dim], the two halves alike (Llama's half-rotation)."""
    inverse = config.rope_theta ** (-torch.arange(0, config.head_dim, 2).float() / config.head_dim)
    angle = torch.outer(torch.arange(config.max_position_embeddings).float(), inverse)
    return torch.cat([angle.cos(), angle.cos()], -1), torch.cat([angle.sin(), angle.sin()], -1)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        kv = c.num_key_value_heads * c.head_dim
        self.q_proj = nn.Linear(c.hidden_size, c.hidden_size, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, kv, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, kv, bias=False)
        self.o_proj = nn.Linear(c.hidden_size, c.hidden_size, bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, _ = x.shape
        c = self.c
        groups = c.num_attention_heads // c.num_key_value_heads
        q = self.q_proj(x).view(b, t, c.num_attention_heads, c.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(b, t, c.num_key_value_heads, c.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(b, t, c.num_key_value_heads, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        # The query heads of a group stand as more rows of one K/V head: no copy of K and V.
        rows = b * c.num_key_value_heads
        q = q.reshape(rows, groups, t, c.head_dim)
        k, v = k.reshape(rows, t, c.head_dim), v.reshape(rows, t, c.head_dim)
        out = torch.cat([self.attend(q, k, v, rows, at) for at, rows in mask], 2)
        out = out.view(b, c.num_attention_heads, t, c.head_dim).transpose(1, 2).reshape(b, t, -1)
        return self.o_proj(out)

    def attend(self, q, k, v, mask, start):
        rows, groups, _, size = q.shape
        count, reach = mask.shape
        queries = q[:, :, start:start + count].reshape(rows, groups * count, size)
        scores = torch.baddbmm(mask.repeat(groups, 1).unsqueeze(0), queries, k[:, :reach].transpose(1, 2), alpha=size ** -0.5)
        return torch.bmm(scores.softmax(-1), v[:, :reach]).view(rows, groups, count, size)


def query_blocks(mask):
    """`mask` [queries, keys] as (first query, its rows) in blocks, each as wide as its queries see: causal attention
    needs no more than half of the products."""
    for at in range(0, len(mask), QUERY_BLOCK):
        rows = mask[at:at + QUERY_BLOCK]
        reach = int((rows > float("-inf")).any(0).nonzero().max()) + 1
        yield at, rows[:, :reach]


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.mlp = MixtureOfExperts(c) if c.num_experts else Mlp(c)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class TinyTs(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.norm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        cos, sin = rotary(c)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        limit = c.max_position_embeddings
        mask = torch.full((limit, limit), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        for name, p in self.named_parameters():
            if p.ndim == 2 and "embed" not in name:
                nn.init.normal_(p, std=0.02)
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(p)

    def forward(self, tokens, mask=None, positions=None):
        """Logits [batch, length, vocabulary]. `mask` [length, length] is added to the scores, causal by default;
        `positions` [length] count from 0 by default."""
        length = tokens.shape[1]
        at = slice(length) if positions is None else positions
        cos, sin = self.cos[at], self.sin[at]
        rows = list(query_blocks(self.mask[:length, :length] if mask is None else mask))
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, cos, sin, rows)
        return F.linear(self.norm(x), self.embed_tokens.weight)

    def imbalance(self):
        """Mean over the layers of how unevenly the last forward used their experts; 0 for a dense model."""
        mixtures = [layer.mlp for layer in self.layers if isinstance(layer.mlp, MixtureOfExperts)]
        return sum(m.imbalance for m in mixtures) / len(mixtures) if mixtures else 0.0

"""What differs between the models: sizes, steps, teacher."""

from dataclasses import dataclass, field

from diffusion import mask_token
from model import Config

# (share of the steps, batch, context): short contexts first, the full one last.
PHASES = [(0.40, 64, 128), (0.45, 32, 256), (0.12, 12, 640), (0.03, 8, 1024)]


@dataclass(frozen=True)
class Recipe:
    config: Config
    steps: int
    hold: int  # steps before the learning rate falls linearly to zero
    teacher: str | None = None  # folder of the model it drafts for
    upcycled: str | None = None  # folder of the dense model that training begins with
    peak: float = 1.0  # times the learning rates
    phases: list = field(default_factory=lambda: PHASES)


RECIPES = {
    "tiny-ts": Recipe(Config(), steps=1050, hold=525),
    "tiny-ts-draft": Recipe(
        Config(hidden_size=128, intermediate_size=352, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2),
        steps=590,
        hold=350,
        teacher="tiny-ts",
        phases=[(0.65, 64, 128), (0.28, 32, 256), (0.05, 12, 640), (0.02, 8, 1024)],
    ),
    "tiny-ts-moe": Recipe(
        Config(intermediate_size=160, num_experts=8, num_experts_per_tok=2),
        steps=1100,
        hold=500,
        upcycled="tiny-ts",
        peak=0.5,
        phases=[(0.545, 16, 256), (0.23, 8, 512), (0.225, 4, 1024)],
    ),
    "tiny-ts-diffusion": Recipe(
        Config(mask_token_id=mask_token()),
        steps=1200,
        hold=600,
        # Half the rows: each stands there twice, masked and clean.
        phases=[(share, batch // 2, context) for share, batch, context in PHASES[:3]],
    ),
}

"""python3 -m unittest: what the mask, the loss and the cache of block diffusion promise."""

import unittest

import torch

from diffusion import attention_mask, diffusion_loss, generate, mask_some, mask_token
from model import Config, TinyTs

LENGTH = 24


def small_model() -> TinyTs:
    torch.manual_seed(5)
    config = Config(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1)
    model = TinyTs(config)
    for p in model.parameters():
        if p.ndim == 2:
            torch.nn.init.normal_(p, std=0.1)
    return model


class AttentionMask(unittest.TestCase):
    def test_of_blocks_of_one_is_causal(self):
        causal = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
        self.assertTrue(torch.equal(attention_mask(LENGTH, 1, noisy=False), causal))

    def test_lets_a_token_see_its_block_and_what_is_before(self):
        sees = attention_mask(6, 2, noisy=False) == 0
        self.assertEqual([row.nonzero().flatten().tolist() for row in sees],
                         [[0, 1], [0, 1], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]])

    def test_lets_a_masked_copy_see_itself_and_the_clean_blocks_before(self):
        sees = attention_mask(4, 2, noisy=True) == 0
        self.assertEqual([row.nonzero().flatten().tolist() for row in sees],
                         [[0, 1], [0, 1], [2, 3, 4, 5], [2, 3, 4, 5], [4, 5], [4, 5], [4, 5, 6, 7], [4, 5, 6, 7]])


class Loss(unittest.TestCase):
    def test_weighs_every_token_once_in_the_mean(self):
        generator = torch.Generator().manual_seed(1)
        tokens = torch.ones(256, 64, dtype=torch.long)
        for block in (1, 4, 64):
            noisy, weight = mask_some(tokens, block, generator)
            self.assertTrue(torch.equal(noisy == mask_token(), weight > 0))
            self.assertAlmostEqual(weight.mean().item(), 1, delta=0.1)

    def test_is_the_log_of_the_vocabulary_where_every_guess_is_even(self):
        model = small_model()
        torch.nn.init.zeros_(model.embed_tokens.weight)
        tokens = torch.randint(300, 2048, (64, 64))
        found = diffusion_loss(model, tokens, 8, torch.Generator().manual_seed(2)).item()
        self.assertAlmostEqual(found / torch.tensor(2047.0).log().item(), 1, delta=0.1)


class Cache(unittest.TestCase):
    def test_of_the_prefix_is_exact(self):
        """A block behind a clean prefix gets the logits that it had in training, beside clean and masked copies of all."""
        model = small_model()
        tokens = torch.randint(300, 2048, (1, LENGTH))
        for block in (1, 2, 4, 8):
            noisy = tokens.clone()
            noisy[:, ::2] = mask_token()
            both = torch.cat([noisy, tokens], 1)
            trained = model(both, attention_mask(LENGTH, block, noisy=True), torch.arange(LENGTH).repeat(2))
            for start in range(0, LENGTH, block):
                row = torch.cat([tokens[:, :start], noisy[:, start:start + block]], 1)
                decoded = model(row, attention_mask(start + block, block, noisy=False))
                self.assertTrue(torch.allclose(decoded[:, start:], trained[:, start:start + block], atol=1e-4))

    def test_ignores_what_follows(self):
        model = small_model()
        tokens = torch.randint(300, 2048, (1, LENGTH))
        mask = attention_mask(LENGTH, 4, noisy=False)
        changed = tokens.clone()
        changed[:, 12:] = 7
        self.assertTrue(torch.allclose(model(tokens, mask)[:, :12], model(changed, mask)[:, :12], atol=1e-5))


class Generate(unittest.TestCase):
    def test_fills_every_place_with_a_token_of_the_text(self):
        out = generate(small_model(), [300, 301, 302, 303], block=4, count=10, steps=3)
        self.assertEqual(len(out), 14)
        self.assertNotIn(mask_token(), out)


if __name__ == "__main__":
    unittest.main()

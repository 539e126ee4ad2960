import { describe, expect, it } from "vitest";
import { rowConfig } from "./row-config.ts";

describe("the narrowest window", () => {
  it("is what config.json, its text part or genai_config.json say", () => {
    expect(rowConfig({ config: { sliding_window: 4096 } }).window).toBe(4096);
    expect(rowConfig({ config: { text_config: { sliding_window: 512 } } }).window).toBe(512);
    const genaiConfig = { model: { decoder: { sliding_window: { window_size: 128 } } } };
    expect(rowConfig({ config: { sliding_window: 4096 }, genaiConfig }).window).toBe(128);
  });

  it("is none where the model does not use it", () => {
    expect(rowConfig({ config: { sliding_window: 4096, use_sliding_window: false } }).window).toBeUndefined();
    expect(rowConfig({ config: { sliding_window: 4096, layer_types: ["full_attention"] } }).window).toBeUndefined();
    expect(rowConfig({ config: { sliding_window: null } }).window).toBeUndefined();
    expect(rowConfig({}).window).toBeUndefined();
  });
});

describe("the switch of LongRoPE", () => {
  it("stands beside the rotary embedding, in it, or in one kind of layer's", () => {
    const type = { type: "longrope" };
    const length = { original_max_position_embeddings: 64 };
    expect(rowConfig({ config: { rope_scaling: type, ...length } }).longRopeSwitch).toBe(64);
    expect(rowConfig({ config: { rope_scaling: { type: "su" }, ...length } }).longRopeSwitch).toBe(64);
    const parameters = { rope_type: "longrope", ...length };
    expect(rowConfig({ config: { rope_parameters: parameters } }).longRopeSwitch).toBe(64);
    expect(rowConfig({ config: { rope_parameters: { full_attention: parameters } } }).longRopeSwitch).toBe(64);
  });

  it("is none for other kinds, which keep the same key for another purpose", () => {
    const rope_scaling = { rope_type: "llama3", original_max_position_embeddings: 8192 };
    expect(rowConfig({ config: { rope_scaling } }).longRopeSwitch).toBeUndefined();
  });
});

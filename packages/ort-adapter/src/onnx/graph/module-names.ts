/** `/model/layers.3/mlp/down_proj/MatMul`, `/transformer/h.3/attn/...`, `model.layers.3.mlp.down_proj...` -> layer and block. */
const LAYER = /^(.*?\b(?:layers?|blocks?|h)[./_]\d+)[./]([A-Za-z_]\w*)/;

/** Scope of a node inside its layer, e.g. `/model/layers.3/mlp`; undefined where its name tells none. */
export function scopeOf(name: string): string | undefined {
  const match = LAYER.exec(name);
  if (match !== null) return `${match[1]}/${match[2]}`;
  // Outside the layers the scope is all but the operator: `/lm_head/MatMul`.
  const end = name.lastIndexOf("/");
  return end > 0 ? name.slice(0, end) : undefined;
}

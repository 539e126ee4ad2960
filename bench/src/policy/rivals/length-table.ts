import { DraftLengthRule } from "./rival.ts";

/**
 * A table of draft lengths by batch size: TensorRT-LLM's `draft_len_schedule`, and MLC's (mlc-ai/mlc-llm pull request 2906). For one
 * sequence it is one number, here the one that a careful operator would have found on earlier traffic.
 */
export class LengthTableRule extends DraftLengthRule {
  length(): number {
    return this.setup.tunedPositions - 1;
  }

  protected learn(): void {
    // A table does not learn.
  }
}

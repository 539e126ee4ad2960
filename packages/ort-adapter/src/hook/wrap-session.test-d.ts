import type { AtHand, Plan, Scheduler } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";
import type { InferenceSession as NodeSession } from "onnxruntime-node";
import type { InferenceSession as WebSession } from "onnxruntime-web";
import { expectTypeOf, it } from "vitest";
import type { WrappedSession, WrapSessionOptions } from "./wrap-session.ts";
import { wrapSession } from "./wrap-session.ts";

it("is a session wherever one is asked for, whichever runtime made it", () => {
  expectTypeOf<WrappedSession<NodeSession>>().toExtend<InferenceSession>();
  expectTypeOf<WrappedSession<WebSession>>().toExtend<WebSession>();
  expectTypeOf(wrapSession<NodeSession>).returns.toEqualTypeOf<WrappedSession<NodeSession>>();
  expectTypeOf(wrapSession<NodeSession & { readonly config: string }>).returns.toHaveProperty("config");
  expectTypeOf<WrappedSession<NodeSession>["run"]>().toEqualTypeOf<NodeSession["run"]>();
});

it("takes drafts as any array, or rows, and tokens or their number", () => {
  expectTypeOf<WrappedSession<NodeSession>["plan"]>().toEqualTypeOf<(atHand: AtHand) => Readonly<Plan>>();
  expectTypeOf<{ draft: Int32Array; confidence: number[]; limit: number }>().toExtend<AtHand>();
  expectTypeOf<{ rows: number }>().toExtend<AtHand>();
  expectTypeOf<{ confidence: number[] }>().not.toExtend<AtHand>();
  expectTypeOf<WrappedSession<NodeSession>["observe"]>().parameter(0).toEqualTypeOf<ArrayLike<number> | number>();
});

it("takes a scheduler, or none", () => {
  expectTypeOf<{ scheduler: Scheduler }>().toExtend<WrapSessionOptions>();
  expectTypeOf(wrapSession).toBeCallableWith({} as NodeSession);
});

export { toFailure } from "../cli/exit-code.ts";
export { defaultStore } from "./default-store.ts";
export type { LoadedProfile, LoadOrCalibrateOptions } from "./load-or-calibrate.ts";
export { DEFAULT_CONTEXT_LENGTH, loadOrCalibrate, profileKey } from "./load-or-calibrate.ts";
export type { OpenModel, OpenModelOptions } from "./open-model.ts";
export { openModel } from "./open-model.ts";
export type { TextCodec } from "./text-codec.ts";
export { loadTextCodec } from "./text-codec.ts";
export { createTextStream } from "./text-stream.ts";

import { openModel } from "@nearfree/calibrate/node";
import { exerciseRunner } from "./exercise-runner.ts";

// A program of its own: the driver is chosen by environment variables of the process. Takes a model and JSON options, prints JSON.
const [path = "", options = "{}"] = process.argv.slice(2);
const model = await openModel(path, { executionProvider: "webgpu", threads: 1 });
const exercise = await exerciseRunner(model.runner, model.environment, JSON.parse(options));
await model.release();
console.log(JSON.stringify(exercise));

import { describeRunnerContract } from "./runner-suite.ts";
import { createScriptedRunner } from "./scripted-runner.ts";

describeRunnerContract("scripted runner", async () => createScriptedRunner(), { tolerance: 0 });

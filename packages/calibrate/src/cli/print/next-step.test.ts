import { expect, it } from "vitest";
import { plainProfile } from "../../testing/profiles.ts";
import { generateLine, nextStep } from "./next-step.ts";

const noise = plainProfile({ level: "unresolvable" });

it("says what the profile is worth, its boundary, and what to do with it, on one line", () => {
  expect(nextStep([plainProfile()], { generate: "nearfree generate tiny" })).toBe(
    "Worth 1.88x with 6 positions at 0.5, 2.80x with 6 at 0.7, 5.48x with 12 at 0.9 of the draft tokens accepted. " +
      "6 positions are near-free; idle compute promises 19. Next: nearfree generate tiny, or createScheduler({ profile })",
  );
  expect(nextStep([plainProfile(), noise], {})).toMatch(
    /^2\.80 times .* near-free.* Next: createScheduler\(\{ profile: profiles \}\)$/,
  );
});

it("promises nothing of noise", () => {
  expect(nextStep([noise], { generate: "x" })).toMatch(
    /^Too much noise .* Next: calibrate again when the machine is quieter;/,
  );
});

it("generates by a command that finds this profile", () => {
  expect(generateLine("models/tiny", { ep: "cpu" })).toBe('nearfree generate models/tiny --prompt "..."');
  expect(generateLine("my models/tiny", { ep: "webgpu", threads: 2, cache: "/c" })).toBe(
    'nearfree generate "my models/tiny" --ep webgpu --threads 2 --cache /c --prompt "..."',
  );
});

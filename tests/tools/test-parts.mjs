/* The parts of `npm test`, in order; those with `all` run in `npm run test:all` only. `tools`: setup/debian.mjs. */

export const PARTS = [
  { name: "tidy", command: ["tests/tidy/run.mjs"], tools: ["compiler"] },
  { name: "c", command: ["tests/tools/c-tests.mjs"], tools: ["compiler"] },
  { name: "addon", command: ["tests/tools/addon-tests.mjs"], tools: ["compiler"] },
  { name: "vitest", vitest: ["--project=fast"] },
  {
    name: "c-rest",
    command: ["tests/tools/c-tests.mjs", "--variant=arm64-rest,wasm32-rest"],
    tools: ["compiler"],
    all: true,
  },
  { name: "slow", vitest: ["--project=slow"], all: true },
  { name: "fuzz", command: ["tests/fuzz/run.mjs", "60"], tools: ["compiler", "clang"], all: true },
];

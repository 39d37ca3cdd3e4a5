import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, in this order; it starts first, so that no worker waits for it at the end. */
const LONGEST = [
  "gates/graph-quality",
  "runtimes/chromium",
  "runtimes/deno",
  "runtimes/bun",
  "gates/pq-index",
  "conformance/worker",
  "property/paged-faults",
  "conformance/wasm",
  "conformance/native",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/* Two workers: one for each core of the smallest machine that runs the tests. Tests that take minutes are named
 *.slow.test.ts and run in `npm run test:all` only. */
const shared = {
  pool: "forks" as const,
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: "fast",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/**/*.slow.test.ts", "**/node_modules/**", "build/**"],
        },
      },
      {
        test: {
          ...shared,
          name: "slow",
          include: ["tests/**/*.slow.test.ts"],
          exclude: ["**/node_modules/**", "build/**"],
          testTimeout: 600_000,
        },
      },
    ],
  },
});

import { defineConfig } from "vitest/config";

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

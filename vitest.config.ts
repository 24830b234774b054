import { defineConfig } from "vitest/config";

// Not "import": vitest hands these to Node as --conditions, and CommonJS packages would then require ES modules.
const conditions = ["atelier-source", "node"];

/** Whole processes killed, backed up and demonstrated, a minute each: a lane of its own (`npm run test:slow`) keeps `npm test` quick. */
export const slow = [
  ...["tests/remote-worker/*.test.ts", "tests/backup/*.test.ts", "tests/crash/*.test.ts"],
  ...["tests/lifecycle/demo.test.ts", "tests/lifecycle/after-a-kill.test.ts", "tests/lifecycle/stop-while-running.test.ts"],
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "engines/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", ...slow],
    globalSetup: ["tests/global-setup.ts"],
    reporters: ["default", "./tests/closing-line.mjs"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only make the integration tests slower.
    maxWorkers: 2,
  },
});

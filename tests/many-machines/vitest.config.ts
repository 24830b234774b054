// The lanes that need other programs beside them (README.md in this folder). They fail without them: they never skip.

import { join } from "node:path";

import { defineConfig } from "vitest/config";

import base from "../../vitest.config.ts";

export default defineConfig({
  ...base,
  root: join(import.meta.dirname, "../.."),
  test: {
    ...base.test,
    include: ["tests/many-machines/*.lane.ts"],
    // Each lane makes the databases that it needs.
    globalSetup: [],
    // Their servers take both processors.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});

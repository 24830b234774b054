// The lanes that need other programs beside them (README.md in this folder). They fail without them: they never skip.

import { join } from "node:path";

import { defineConfig, mergeConfig } from "vitest/config";

import base from "../../vitest.config.ts";

const shared = { ...base, test: { ...base.test, include: [], reporters: ["default"] } };

export default mergeConfig(
  shared,
  defineConfig({
    root: join(import.meta.dirname, "../.."),
    test: { include: ["tests/many-machines/*.lane.ts"], globalSetup: ["tests/global-setup.ts"], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 },
  }),
);

// The slow lane: `npm run test:slow`.

import { defineConfig } from "vitest/config";

import base, { slow } from "../vitest.config.ts";

export default defineConfig({ ...base, test: { ...base.test, include: slow, exclude: [] } });

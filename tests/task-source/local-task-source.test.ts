import { randomUUID } from "node:crypto";

import { openLocalTaskSource } from "../../packages/server/src/tasks/local-task-source.ts";
import { exerciseTaskSource } from "./exercise-task-source.ts";

exerciseTaskSource({
  async open(world) {
    return openLocalTaskSource(world, randomUUID());
  },
});

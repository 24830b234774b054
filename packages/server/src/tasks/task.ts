// The task record lives with the statements that read it.

export type { Task, TaskOutput, TaskReference, TaskTime } from "../db/task.ts";

// Keeps engine children warm between runs: a run gets an idle one, or a new one.

import { EngineProcess } from "./engine-process.ts";
import type { EngineCommand, LoadedModel } from "./engine-process.ts";

export interface EnginePool {
  /** Names of the engines that this worker can start. */
  readonly names: readonly string[];
  /** Lends a ready engine to `use`; it is kept for the next run if it is still alive afterwards. */
  withEngine<Result>(name: string, use: (engine: EngineProcess) => Promise<Result>): Promise<Result>;
  /** What the engines that wait for a run have loaded. */
  loaded(): readonly LoadedModel[];
  stop(): Promise<void>;
}

/** Of each engine at most as many children live as runs were in progress at once, so the caller's own limit bounds them. */
export function openEnginePool(commands: readonly EngineCommand[], options: { threads: number }): EnginePool {
  const idle: EngineProcess[] = [];
  const all = new Set<EngineProcess>();

  const take = async (name: string): Promise<EngineProcess> => {
    for (let at = idle.length - 1; at >= 0; at -= 1) {
      const engine = idle[at];
      if (engine?.name !== name) continue;
      idle.splice(at, 1);
      if (engine.isAlive) return engine;
      all.delete(engine);
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (!command) throw new Error(`no engine named ${name} on this worker`);
    const engine = await EngineProcess.start(command, options);
    all.add(engine);
    return engine;
  };

  return {
    names: commands.map((command) => command.name),
    async withEngine(name, use) {
      const engine = await take(name);
      try {
        return await use(engine);
      } finally {
        if (engine.isAlive) idle.push(engine);
        else all.delete(engine);
      }
    },
    loaded: () => idle.flatMap(({ isAlive, loaded }) => (isAlive && loaded ? [loaded] : [])),
    async stop() {
      await Promise.all([...all].map((engine) => engine.stop()));
    },
  };
}

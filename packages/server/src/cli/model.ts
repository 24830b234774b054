// atelier model add | list | show | remove | validate: what a server offers, with the server running or not.

import type { Command } from "commander";

import { cleanModelName } from "@atelier/schema/manifest";

import { strandedModels } from "../app.ts";
import type { Config } from "../config.ts";
import { readManifestFile, readModelFiles } from "../models/model-files.ts";
import { addAdapter, addManifest, findEntry, removeModel } from "../models/own-models.ts";
import { OperatorError } from "../operator-error.ts";
import type { CommandParts } from "./webhook.ts";

interface ModelOptions {
  readonly data?: string;
  readonly json?: true;
}

interface AddOptions extends ModelOptions {
  readonly base?: string;
  readonly owner: string;
  readonly name?: string;
  readonly title?: string;
  readonly weight: string;
  readonly link?: true;
}

export function addModelCommands(program: Command, { dataOption, depsOf }: CommandParts): void {
  const model = program.command("model").description("models: what the server offers; a running one sees every change");
  const command = (usage: string, description: string): Command =>
    model.command(usage).description(description).option("--json", "print one line of JSON").addOption(dataOption());
  const configOf = (options: ModelOptions): Config => depsOf(options).config;

  command("add <path>", "add a manifest (.json, its weights beside it) or an adapter (.safetensors with --base)")
    .option("--base <base>", "what the adapter attaches to: a base folder or a model, e.g. starter")
    .option("--owner <owner>", "owner in the adapter model's name", "My")
    .option("--name <slug>", "second half of its name (default: made of the file's name)")
    .option("--title <title>", "its title")
    .option("--weight <number>", "strength of the adapter", "1")
    .option("--link", "link to the weights instead of copying them")
    .action(async (path: string, options: AddOptions) => {
      const added = await add(configOf(options), path, options);
      print(options.json ? JSON.stringify(added) : `${added.name} is added (${added.file})`);
    });
  command("list", "show all models").action(async (options: ModelOptions) => {
    const models = await list(configOf(options));
    const lines = models.map((one) => `${one.id.padStart(7)}  ${one.name}  ${one.title}${one.isRunnable ? "" : `  (cannot be run here: ${one.reason})`}`);
    print(options.json ? JSON.stringify(models) : lines.join("\n") || "no models");
  });
  command("show <owner/model>", "show a model's manifest and where it is").action(async (name: string, options: ModelOptions) => {
    const { manifest, file } = findEntry((await readModelFiles(configOf(options).modelFolders)).entries, name);
    print(options.json ? JSON.stringify({ file, manifest }) : `${file}\n${JSON.stringify(manifest, null, 2)}`);
  });
  command("remove <owner/model>", "remove one of your own models")
    .option("--weights", "remove its files, too, where no other of your models uses them")
    .action(async (name: string, options: ModelOptions & { weights?: true }) => {
      const removed = await removeModel(configOf(options), name, { withWeights: options.weights === true });
      print(options.json ? JSON.stringify({ removed }) : removed.map((file) => `removed ${file}`).join("\n"));
    });
  command("validate <path>", "check a manifest without adding it").action(async (path: string, options: ModelOptions) => {
    const manifest = await readManifestFile(path).catch(explainMissing);
    const name = cleanModelName(manifest);
    print(options.json ? JSON.stringify({ name, id: manifest.id }) : `${path} is right: ${name}`);
  });
}

async function add(config: Config, path: string, options: AddOptions) {
  const isLinked = options.link === true;
  if (!path.endsWith(".safetensors")) return addManifest(config, path, { isLinked }).catch(explainMissing);
  const weight = Number(options.weight);
  if (options.base === undefined || !Number.isFinite(weight)) {
    throw new OperatorError("COMMAND_FAILED", {
      problem: options.base === undefined ? "An adapter needs the base that it attaches to." : "--weight is no number.",
      remedy: "For example: atelier model add my-style.safetensors --base starter --weight 0.8",
    });
  }
  const { base, owner, name: slug, title } = options;
  return addAdapter(config, path, { base, owner, slug, title, weight, isLinked });
}

async function list(config: Config) {
  const { entries } = await readModelFiles(config.modelFolders);
  const stranded = strandedModels(config, entries.map((entry) => entry.manifest));
  return entries.map(({ manifest, file }) => {
    const name = cleanModelName(manifest);
    return { id: manifest.id, name, title: manifest.title, file, isRunnable: !stranded.has(name), reason: stranded.get(name) };
  });
}

function explainMissing(error: unknown): never {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "EISDIR") throw error;
  throw new OperatorError("COMMAND_FAILED", { problem: `${path ?? "The path"} is not a file.`, remedy: "Give the path of a manifest (.json)." }, { cause: error });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Finds the files that a run's input names and takes in those that came with it (docs/wire-contract.md, "File inputs").

import { inputFilesOf } from "@atelier/schema/input-file";
import type { InputFile, NamedFile } from "@atelier/schema/input-file";
import type { InputResult } from "@atelier/schema/parse-input";
import { fileUrl } from "@atelier/schema/wire-file";

import type { ReadableFile, ProjectFile } from "../db/file.ts";
import { isUnavailable } from "../db/statement-failure.ts";
import { selectFile, selectOwnOutput } from "../db/queries/files.ts";
import { AtelierError } from "../errors.ts";
import { addFile, checkFile, removeFile } from "../files/add-file.ts";
import type { CheckedFile } from "../files/add-file.ts";
import { parseTargetUrl } from "../outbound/check-target.ts";
import type { FormFile } from "./form-parts.ts";
import type { Caller, RouteContext } from "./http-deps.ts";

type Parsed = Extract<InputResult, { ok: true }>;

export interface RunInput {
  readonly input: Record<string, unknown>;
  readonly echo: Record<string, unknown>;
  /** Uploads and outputs among the input's files. */
  readonly fileIds: readonly string[];
}

interface GivenRun {
  readonly caller: Caller;
  readonly files: readonly FormFile[];
  readonly parsed: Parsed;
}

/** Everything is checked before anything is kept; when `use` fails, what came with the run is removed again. Not while it is unknown
 *  whether there is a task that needs it: if there is none, the prune removes it.
 *  Throws FILES_REQUIRED for a file that is missing or another project's, PARAMETER_INVALID for what is no address, or what
 *  `checkFile` throws. */
export async function withRunFiles<Result>(
  context: RouteContext,
  given: GivenRun,
  use: (run: RunInput) => Promise<Result>,
): Promise<Result> {
  const { caller, files, parsed } = given;
  const found = new FoundFiles(context, caller);
  for (const [parameter, named] of inputFilesOf<NamedFile>(parsed.input)) await found.findAll(parameter, named);
  const checked: CheckedFile[] = [];
  for (const { field, received } of files) checked.push(await checkFile(received, field));

  const added: ProjectFile[] = [];
  try {
    for (const [at, { field }] of files.entries()) {
      const place = { projectId: caller.id, folderId: null, origin: "run", expiresAt: null, stem: stemOf(files, at) } as const;
      const file = checked[at];
      if (file) found.addPart(field, await addTo(added, addFile(context, file, place)));
    }
    return await use(found.inputOf(parsed));
  } catch (error) {
    if (!isUnavailable(error)) for (const file of added) await removeFile(context, file);
    throw error;
  }
}

async function addTo(added: ProjectFile[], adding: Promise<ProjectFile>): Promise<ProjectFile> {
  const file = await adding;
  added.push(file);
  return file;
}

/** `{parameter}-{n}`, counted from 1, as the wire names uploaded inputs. */
function stemOf(files: readonly FormFile[], at: number): string {
  const field = files[at]?.field ?? "";
  return `${field}-${files.slice(0, at + 1).filter((file) => file.field === field).length}`;
}

/** The files of one run, as they are found. */
class FoundFiles {
  readonly #context: RouteContext;
  readonly #caller: Caller;
  readonly #fileIds = new Set<string>();
  /** Named ones, by parameter; a part leaves its place open until it is stored. */
  readonly #found = new Map<string, (InputFile | undefined)[]>();
  /** Stored parts, by parameter, in the order of arrival. */
  readonly #parts = new Map<string, ProjectFile[]>();

  constructor(context: RouteContext, caller: Caller) {
    this.#context = context;
    this.#caller = caller;
  }

  async findAll(parameter: string, named: readonly NamedFile[]): Promise<void> {
    const found: (InputFile | undefined)[] = [];
    for (const file of named) found.push("part" in file ? undefined : await this.#find(parameter, file));
    this.#found.set(parameter, found);
  }

  addPart(parameter: string, file: ProjectFile): void {
    this.#parts.set(parameter, [...(this.#parts.get(parameter) ?? []), file]);
    this.#fileIds.add(file.id);
  }

  /** The input with its files, and the echo with the addresses of those that came along. */
  inputOf({ input, echo }: Parsed): RunInput {
    const files: Record<string, readonly InputFile[]> = {};
    const shown: Record<string, unknown> = {};
    for (const [parameter, found] of this.#found) {
      const parts = this.#parts.get(parameter) ?? [];
      files[parameter] = found.map((file, at): InputFile => file ?? inputFileOf(parts[at]));
      const urls = parts.map((file) => fileUrl(file, this.#context.publicUrl()));
      // Of a single file the part counts, whatever was sent as text beside it.
      if (urls.length > 0) shown[parameter] = merged(urls, found.length > urls.length ? echo[parameter] : undefined);
    }
    return { input: { ...input, ...files }, echo: { ...echo, ...shown }, fileIds: [...this.#fileIds] };
  }

  async #find(parameter: string, named: { id: string } | { url: string }): Promise<InputFile> {
    const projectId = this.#caller.id;
    if ("id" in named) return this.#own(parameter, await selectFile(this.#context.db, { projectId, id: named.id }));
    const path = this.#ownPath(named.url);
    if (path === undefined) return { url: addressOf(named.url) };
    const [, kind, ...parts] = path.split("/").map((part) => decodeOrEmpty(part));
    if (kind === "samples" || (kind === "uploads" && parts[0] === "samples")) return this.#sample(parameter, parts.at(-1) ?? "");
    if (kind === "v1" && parts[0] === "File") {
      const accessKey = parts[1] ?? "";
      const upload = await selectFile(this.#context.db, { projectId, accessKey });
      return this.#own(parameter, upload ?? (await selectOwnOutput(this.#context.db, { projectId, accessKey })));
    }
    return this.#own(parameter, await selectOwnOutput(this.#context.db, { projectId, fileKey: parts.join("/") }));
  }

  /** The path of an address of this server, which is never asked over HTTP; undefined for one elsewhere. */
  #ownPath(text: string): string | undefined {
    if (text.startsWith("samples/")) return `/${text}`;
    const base = this.#context.publicUrl();
    if (/^\/(v1\/File|outputs|uploads)\//.test(text)) return new URL(text, base).pathname;
    if (!URL.canParse(text)) return undefined;
    const url = new URL(text);
    return url.origin === new URL(base).origin ? url.pathname : undefined;
  }

  /** Another project's file is answered like a missing one. */
  #own(parameter: string, file: ProjectFile | ReadableFile | undefined): InputFile {
    if (!file) throw new AtelierError("FILES_REQUIRED", { parameter });
    this.#fileIds.add(file.id);
    return { fileKey: file.fileKey, name: file.name };
  }

  #sample(parameter: string, name: string): InputFile {
    if (this.#context.models.samplePath(name) === undefined) throw new AtelierError("FILES_REQUIRED", { parameter });
    return { sample: `samples/${name}` };
  }
}

/** The input's parts and the stored ones are the same files in the same order. */
function inputFileOf(file: ProjectFile | undefined): InputFile {
  if (!file) throw new Error("a part of the input was not stored");
  return { fileKey: file.fileKey, name: file.name };
}

/** One address alone, several as a list, with what was sent as text beside the files. */
function merged(urls: readonly string[], sent: unknown): unknown {
  const texts = (Array.isArray(sent) ? (sent as unknown[]) : [sent]).filter((text) => typeof text === "string" && text !== "");
  const all = [...urls, ...texts];
  return all.length === 1 ? all[0] : all;
}

/** Throws PARAMETER_INVALID for what is no address that could be fetched; where it leads is checked when it is. */
function addressOf(text: string): string {
  try {
    return parseTargetUrl(text).href;
  } catch (error) {
    throw new AtelierError("PARAMETER_INVALID", {}, { cause: error });
  }
}

function decodeOrEmpty(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // names nothing
  }
}

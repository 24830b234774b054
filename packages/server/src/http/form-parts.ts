// Reads a body that may carry files: text as fields, files streamed to disk as they arrive (docs/wire-contract.md, "Bodies").

import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";

import busboy from "busboy";

import { AtelierError } from "../errors.ts";
import { discardReceived, receiveFile } from "../files/receive-file.ts";
import type { ReceivedFile } from "../files/receive-file.ts";
import { limits } from "../limits.ts";
import { fieldsFrom, firstByte, openingBrace, readFields, refuseEncoded } from "./body.ts";
import type { Fields } from "./body.ts";
import { bodyOf } from "./signed-body.ts";

/** A file that arrived under a field's name. */
export interface FormFile {
  readonly field: string;
  readonly received: ReceivedFile;
}

export interface Form {
  readonly fields: Fields;
  /** In the order of arrival; empty files are left out, as browsers send them for inputs that were not filled in. */
  readonly files: readonly FormFile[];
}

/** Bounds how many forms with files one endpoint receives at once: each may hold `limits.filesRequestBytes` of disk. */
export class FormGate {
  #open = 0;

  /** Throws SERVER_UNAVAILABLE when there are too many. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#open >= limits.filesRequests) throw new AtelierError("SERVER_UNAVAILABLE");
    this.#open += 1;
    try {
      return await work();
    } finally {
      this.#open -= 1;
    }
  }
}

export interface FormOptions {
  readonly tempFolder: string;
  /** Whether a file under this field is of use; others are read past. */
  readonly wants: (field: string) => boolean;
  readonly gate: FormGate;
}

/** Hands the form to `use` and removes what is left of its files afterwards, also when `use` or the reading fails.
 *  Throws BODY_INVALID, BODY_TOO_LARGE, FILE_TOO_LARGE or SERVER_UNAVAILABLE. */
export async function withForm<Result>(
  request: IncomingMessage,
  contentType: string,
  options: FormOptions & { readonly use: (form: Form) => Promise<Result> },
): Promise<Result> {
  refuseEncoded(request);
  const textOnly = async (): Promise<Form> => ({ fields: await readFields(request, contentType), files: [] });
  if (!/^\s*multipart\/form-data\s*;/i.test(contentType)) return options.use(await textOnly());
  const beginning = await beginningOf(bodyOf(request));
  if (beginning === undefined) return options.use({ fields: fieldsFrom([]), files: [] });
  if (beginning === openingBrace) return options.use(await textOnly());
  return options.gate.pass(async () => {
    const reading = new FormReading(options);
    try {
      return await options.use(await reading.read(bodyOf(request), contentType));
    } finally {
      await discardReceived(reading.received);
    }
  });
}

/** The first byte of the body that is not white space; the body stays as it was. Undefined when there is none.
 *  Throws BODY_INVALID when white space goes on for too long. */
async function beginningOf(body: Readable): Promise<number | undefined> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk = await nextChunk(body);
    if (chunk === undefined) return undefined;
    seen = Buffer.concat([seen, chunk]);
    const first = firstByte(seen);
    if (first === undefined && seen.length <= limits.openBodyBytes) continue;
    body.unshift(seen);
    if (first !== undefined) return first;
    body.resume();
    throw new AtelierError("BODY_INVALID");
  }
}

/** Undefined at the end. Throws BODY_INVALID when the connection breaks, or broke before. */
async function nextChunk(body: Readable): Promise<Buffer | undefined> {
  // A stream without an encoding gives buffers.
  const ready = body.read() as Buffer | null;
  if (ready) return ready;
  if (body.readableEnded) return undefined;
  // What did not arrive whole is no empty form.
  if (body.destroyed) throw new AtelierError("BODY_INVALID");
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      body.off("readable", onReady).off("end", onReady).off("error", onBreak).off("close", onBreak);
      if (error) reject(error);
      else resolve();
    };
    const onReady = (): void => settle();
    const onBreak = (error?: Error): void => settle(asRefusal(error));
    body.on("readable", onReady).on("end", onReady).on("error", onBreak).on("close", onBreak);
  });
  return (body.read() as Buffer | null) ?? undefined;
}

class FormReading {
  /** What lies on the disk because of this form. */
  readonly received: ReceivedFile[] = [];
  readonly #options: FormOptions;
  readonly #pairs: [string, string][] = [];
  readonly #files: (FormFile | undefined)[] = [];
  readonly #receiving: Promise<void>[] = [];
  #textBytes = 0;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: FormOptions) {
    this.#options = options;
  }

  /** The request is read to its end even when it is refused: curl sends all of it before it reads the answer. */
  async read(body: Readable, contentType: string): Promise<Form> {
    // A connection that broke before now says so to nobody any more.
    if (body.destroyed) throw new AtelierError("BODY_INVALID");
    const parser = openParser(contentType);
    if (!parser) throw new AtelierError("BODY_INVALID");
    const limiter = sizeLimiter();
    const parsed = new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      const refuse = (cause?: unknown): void => reject(asRefusal(cause));
      parser.on("field", (name: string | undefined, value, info) => {
        this.#textBytes += value.length;
        if (info.nameTruncated || info.valueTruncated || this.#textBytes > limits.bodyBytes) refuse();
        else if (name !== undefined && name !== "") this.#pairs.push([name, value]);
      });
      parser.on("file", (name: string | undefined, stream, info) => this.#take(name ?? "", stream, info.filename));
      parser.on("partsLimit", refuse).on("filesLimit", refuse).on("fieldsLimit", refuse).on("error", refuse);
      parser.on("close", resolve);
      limiter.on("error", refuse);
      // "close" comes after a whole body as well.
      body.once("error", refuse).once("close", () => void (body.readableEnded || refuse()));
    });
    body.pipe(limiter).pipe(parser);
    try {
      await parsed;
      await Promise.all(this.#receiving);
    } catch (error) {
      body.unpipe(limiter);
      body.resume();
      // Breaks off the files that are still arriving, so that they remove themselves.
      parser.destroy();
      limiter.destroy();
      await Promise.allSettled(this.#receiving);
      throw error;
    }
    return { fields: fieldsFrom(this.#pairs), files: this.#files.filter((file) => file !== undefined) };
  }

  #take(field: string, stream: Readable, filename: string | undefined): void {
    // A form that breaks off destroys its files; the parser reports it.
    stream.on("error", () => undefined);
    if (!this.#options.wants(field)) {
      stream.resume();
      return;
    }
    const at = this.#files.push(undefined) - 1;
    const part = { stream, givenName: filename ?? "", parameter: field, maxBytes: limits.fileBytes };
    const received = receiveFile(this.#options, part).then((file) => {
      this.received.push(file);
      if (file.sizeBytes > 0) this.#files[at] = { field, received: file };
    });
    received.catch((error: unknown) => this.#fail(error));
    this.#receiving.push(received);
  }
}

function asRefusal(cause: unknown): AtelierError {
  return cause instanceof AtelierError ? cause : new AtelierError("BODY_INVALID", {}, { cause });
}

/** Counts the whole request, the parts that nobody wants included. */
function sizeLimiter(): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.filesRequestBytes) done(new AtelierError("BODY_TOO_LARGE"));
      else done(null, chunk);
    },
  });
}

/** Undefined when the label cannot be understood: busboy throws then. */
function openParser(contentType: string): busboy.Busboy | undefined {
  const { bodyFields, bodyBytes, filesPerRequest } = limits;
  const sizes = { fieldNameSize: 256, fieldSize: bodyBytes, fields: bodyFields, parts: bodyFields, files: filesPerRequest };
  try {
    return busboy({ headers: { "content-type": contentType }, limits: sizes, defParamCharset: "utf8", preservePath: true });
  } catch {
    return undefined;
  }
}

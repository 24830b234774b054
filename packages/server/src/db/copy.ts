// COPY as streams: a table's rows out of a session, or into one, however many, with bounded memory.
// Source: PostgreSQL, frontend/backend protocol, "COPY Operations"; the methods are those that pg calls on a query.

import { Readable, Writable } from "node:stream";

import type pg from "pg";

/** What pg gives a query of its own kind to speak through. */
interface Connection {
  readonly stream: { pause(): void; resume(): void; readonly writableNeedDrain: boolean; once(event: "drain", call: () => void): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** The bytes that `copy ... to stdout` gives. The session must do nothing else until the stream has ended. */
export function copyOut(client: pg.ClientBase, statement: string): Readable {
  const stream = new CopyOut(statement);
  // pg takes any object with these methods; its types name only those of its own classes.
  client.query(stream as unknown as pg.Submittable);
  return stream;
}

/** Takes the bytes for `copy ... from stdin`; it has finished when the database has taken all of them. */
export function copyIn(client: pg.ClientBase, statement: string): Writable {
  const stream = new CopyIn(statement);
  client.query(stream as unknown as pg.Submittable);
  return stream;
}

class CopyOut extends Readable {
  readonly #statement: string;
  #connection: Connection | undefined;

  constructor(statement: string) {
    super();
    this.#statement = statement;
  }

  submit(connection: Connection): void {
    this.#connection = connection;
    connection.query(this.#statement);
  }

  override _read(): void {
    this.#connection?.stream.resume();
  }

  handleCopyData(message: { chunk: Buffer }): void {
    if (!this.push(message.chunk)) this.#connection?.stream.pause();
  }

  handleError(error: Error): void {
    this.#connection?.stream.resume();
    this.destroy(error);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.push(null);
  }
}

class CopyIn extends Writable {
  readonly #statement: string;
  #connection: Connection | undefined;
  #waiting: (() => void) | undefined;
  #accepts = false;
  #finished: ((error?: Error) => void) | undefined;

  constructor(statement: string) {
    super({ decodeStrings: true });
    this.#statement = statement;
  }

  submit(connection: Connection): void {
    this.#connection = connection;
    connection.query(this.#statement);
  }

  handleCopyInResponse(): void {
    this.#accepts = true;
    this.#waiting?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#whenAccepted((connection) => {
      connection.sendCopyFromChunk(chunk);
      if (connection.stream.writableNeedDrain) connection.stream.once("drain", () => done());
      else done();
    });
  }

  override _final(done: (error?: Error) => void): void {
    this.#finished = done;
    this.#whenAccepted((connection) => connection.endCopyFrom());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error && this.#accepts && !this.#finished) this.#connection?.sendCopyFail("the source broke");
    done(error);
  }

  handleError(error: Error): void {
    this.#accepts = false;
    this.destroy(error);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#finished?.();
  }

  #whenAccepted(act: (connection: Connection) => void): void {
    // `submit` has come before PostgreSQL can have answered.
    const go = (): void => act(this.#connection as Connection);
    if (this.#accepts) go();
    else this.#waiting = go;
  }
}

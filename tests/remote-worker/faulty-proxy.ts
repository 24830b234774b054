// A TCP proxy that does what networks do: falls silent without closing anything, as a firewall that forgot its connections
// does, cuts, and changes bytes on their way.

import { once } from "node:events";
import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Transform } from "node:stream";

interface Pair {
  readonly client: Socket;
  readonly changed: Transform;
  readonly upstream: Socket;
}

export class FaultyProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();

  /** Where new connections go. */
  target: string;
  /** What becomes of the bytes on their way to the target. Must keep their number. */
  change: (bytes: Buffer) => Buffer = (bytes) => bytes;

  private constructor(target: string) {
    this.target = target;
    this.#server = createServer((client) => {
      const { hostname, port } = new URL(this.target);
      const upstream = connect(Number(port), hostname);
      const changed = new Transform({ transform: (bytes: Buffer, _encoding, done) => done(null, this.change(bytes)) });
      const pair = { client, changed, upstream };
      this.#pairs.add(pair);
      client.pipe(changed).pipe(upstream).pipe(client);
      const end = (): void => {
        this.#pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      };
      for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    });
  }

  static async open(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    // A listening TCP server has an address with a port.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The connections that are open now carry nothing any more, in either direction; new ones work. Returns how many. */
  silence(): number {
    for (const { client, changed, upstream } of this.#pairs) {
      client.unpipe(changed);
      upstream.unpipe(client);
      client.pause();
      upstream.pause();
    }
    return this.#pairs.size;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

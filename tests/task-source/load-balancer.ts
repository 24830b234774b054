// A balancer in front of several servers: each request goes to the next of them.

import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface LoadBalancer {
  readonly url: string;
  /** Those that get requests. */
  targets: string[];
  close(): Promise<void>;
}

export async function openLoadBalancer(targets: readonly string[]): Promise<LoadBalancer> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const target = balancer.targets[(turn += 1) % balancer.targets.length] ?? "";
    const { method, headers, url } = incoming;
    const forwarded = request(`${target}${url}`, { method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const balancer: LoadBalancer = {
    // A listening TCP server has an address with a port.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [...targets],
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return balancer;
}

import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

import { expect, it } from "vitest";

import { HeldPlaces, whenAborted } from "./held-places.ts";

function openResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

async function close(response: ServerResponse): Promise<void> {
  const closed = once(response, "close");
  response.destroy();
  response.emit("close");
  await closed;
}

it("a connection that closed before its place was taken leaves it to others", async () => {
  const places = new HeldPlaces(1);
  const gone = openResponse();
  await close(gone);
  let left = 0;
  whenAborted(places.take(gone).signal, () => (left += 1));
  expect(left).toBe(1);
  expect(places.take(openResponse()).signal.aborted).toBe(false);
});

it("a place is held until its connection closes", async () => {
  const places = new HeldPlaces(1);
  const response = openResponse();
  const { signal } = places.take(response);
  expect(() => places.take(openResponse())).toThrow(expect.objectContaining({ code: "SERVER_UNAVAILABLE" }));
  await close(response);
  expect(signal.aborted).toBe(true);
  expect(() => places.take(openResponse())).not.toThrow();
});

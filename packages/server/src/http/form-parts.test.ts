import { once } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";

import { expect, it } from "vitest";

import { FormGate, withForm } from "./form-parts.ts";

const type = "multipart/form-data; boundary=b";

/** A request whose form has only begun to arrive. */
function begunRequest(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.push("--b\r\ncontent-disposition: form-data; name=");
  return request;
}

it("a connection that breaks before its form is read is refused, and leaves its place to others", { timeout: 5_000 }, async () => {
  const request = begunRequest();
  class BreakingGate extends FormGate {
    override async pass<Result>(work: () => Promise<Result>): Promise<Result> {
      const closed = once(request, "close");
      request.destroy();
      await closed;
      return super.pass(work);
    }
  }
  const options = { tempFolder: tmpdir(), wants: () => true, gate: new BreakingGate(), use: async () => "used" };
  await expect(withForm(request, type, options)).rejects.toMatchObject({ code: "BODY_INVALID" });
});

it("a form that was cut before anything of it was read is no empty form", { timeout: 5_000 }, async () => {
  const request = new IncomingMessage(new Socket());
  const closed = once(request, "close");
  request.destroy();
  await closed;
  const options = { tempFolder: tmpdir(), wants: () => true, gate: new FormGate(), use: async () => "used" };
  await expect(withForm(request, type, options)).rejects.toMatchObject({ code: "BODY_INVALID" });
});

import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";

import { drawWebhookSecret, signatureHeaders } from "./sign.ts";

test("the signature of the specification's own library is the same", () => {
  // The secret of the library's README.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const message = { id: "msg_1", at: new Date(1_700_000_000_999), body: Buffer.from('{"ü":1}') };
  const headers = signatureHeaders([secret], message);
  expect(headers).toEqual({
    "webhook-id": "msg_1",
    "webhook-timestamp": "1700000000",
    "webhook-signature": new Webhook(secret).sign("msg_1", message.at, '{"ü":1}'),
  });
});

test("each live secret signs, in order, and drawn secrets differ", () => {
  const secrets = [drawWebhookSecret(), drawWebhookSecret()];
  const message = { id: "msg_2", at: new Date(), body: Buffer.from("{}") };
  const signatures = signatureHeaders(secrets, message)["webhook-signature"];
  expect(signatures).toBe(secrets.map((secret) => new Webhook(secret).sign("msg_2", message.at, "{}")).join(" "));
  expect(new Set(secrets).size).toBe(2);
});

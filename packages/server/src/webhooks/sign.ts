// Standard Webhooks signatures (specification 1.0.0): HMAC-SHA256 over id, time and body, one for each live secret.

import { createHmac, randomBytes } from "node:crypto";

/** What secrets look like: this and base64 of 24 to 64 bytes. */
const prefix = "whsec_";
const secretBytes = 32;

export function drawWebhookSecret(): string {
  return `${prefix}${randomBytes(secretBytes).toString("base64")}`;
}

/** The three headers. `secrets`: at least one, the current first; `body`: the exact bytes that are sent. */
export function signatureHeaders(
  secrets: readonly string[],
  message: { readonly id: string; readonly at: Date; readonly body: Buffer },
): Record<string, string> {
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    const mac = createHmac("sha256", key).update(`${message.id}.${timestamp}.`).update(message.body);
    return `v1,${mac.digest("base64")}`;
  });
  return { "webhook-id": message.id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

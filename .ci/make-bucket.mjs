// Makes the bucket that the Swift lane's environment names: the server itself makes none.

import { setTimeout as delay } from "node:timers/promises";

import { AwsV4Signer } from "aws4fetch";

const { S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = process.env;
const signer = new AwsV4Signer({
  method: "PUT",
  url: `${S3_ENDPOINT}/${S3_BUCKET}`,
  accessKeyId: S3_ACCESS_KEY_ID,
  secretAccessKey: S3_SECRET_ACCESS_KEY,
  region: S3_REGION,
  service: "s3",
});
const tries = 60;
const waitMs = 500;

// Swift's proxy answers before its account and container servers do; until then a bucket is answered with 503.
for (let attempt = 1; ; attempt += 1) {
  const { url, method, headers } = await signer.sign();
  const answer = await fetch(url, { method, headers });
  if (answer.ok) break;
  if (answer.status !== 503 || attempt === tries) throw new Error(`no bucket: ${answer.status} ${await answer.text()}`);
  await delay(waitMs);
}

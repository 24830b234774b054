// The settings of the S3 server that keeps files: all of them, or none.

import { z } from "zod";

export interface S3Settings {
  /** Origin of the server, without the bucket and without a slash at the end. */
  readonly endpoint: string;
  /** A bucket for Atelier alone. */
  readonly bucket: string;
  /** Default `us-east-1`, which servers without regions take. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const name = z.string().trim().min(1).optional();

export const s3Variables = {
  S3_ENDPOINT: z.string().transform(readEndpoint).optional(),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be a bucket's name: 3 to 63 lower case letters, digits, dots and hyphens")
    .optional(),
  S3_REGION: name.default("us-east-1"),
  S3_ACCESS_KEY_ID: name,
  S3_SECRET_ACCESS_KEY: name,
};

const needed = ["S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] as const;

type S3Values = Readonly<Partial<Record<keyof typeof s3Variables, string | undefined>>>;

/** Names what is missing where some of the settings are given. */
export function checkS3Complete(values: S3Values, context: z.RefinementCtx): void {
  const missing = needed.filter((variable) => values[variable] === undefined);
  if (missing.length === needed.length) return;
  for (const variable of missing) {
    context.addIssue({ code: "custom", path: [variable], message: "is missing: an S3 server needs all four" });
  }
}

export function s3From(values: S3Values): S3Settings | undefined {
  const { S3_ENDPOINT, S3_BUCKET, S3_REGION = "us-east-1", S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = values;
  if (!S3_ENDPOINT || !S3_BUCKET || !S3_ACCESS_KEY_ID || !S3_SECRET_ACCESS_KEY) return undefined;
  const keys = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
  return Object.freeze({ endpoint: S3_ENDPOINT, bucket: S3_BUCKET, region: S3_REGION, ...keys });
}

function readEndpoint(value: string, context: z.RefinementCtx): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && `${url.username}${url.search}${url.hash}` === "" && url.pathname === "/";
  if (isOrigin) return url.origin;
  context.addIssue({ code: "custom", message: "must be the S3 server's address alone, such as https://s3.example.org" });
  return z.NEVER;
}

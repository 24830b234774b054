import { resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { readConfig } from "./config.ts";

describe("config", () => {
  it("has defaults for everything", () => {
    const config = readConfig({}, {});
    expect(config).toMatchObject({ host: "127.0.0.1", port: 8420, dataDir: resolve("data"), publicUrl: undefined, workers: 1 });
    expect(config.modelFolders).toEqual([resolve("data/models"), resolve("models")]);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it("lets a flag win over its variable, and takes an empty variable for none", () => {
    const config = readConfig({ port: "0" }, { ATELIER_PORT: "9000", ATELIER_HOST: "", DATABASE_URL: "" });
    expect(config).toMatchObject({ port: 0, host: "127.0.0.1", databaseUrl: undefined });
  });

  it("removes the slash at the end of the public address", () => {
    expect(readConfig({}, { PUBLIC_URL: "https://images.example.org/" }).publicUrl).toBe("https://images.example.org");
  });

  it("reads a master key in hexadecimal and in base64", () => {
    const key = Buffer.alloc(32, 7);
    expect(readConfig({}, { ATELIER_MASTER_KEY: key.toString("hex") }).masterKey).toEqual(key);
    expect(readConfig({}, { ATELIER_MASTER_KEY: key.toString("base64") }).masterKey).toEqual(key);
  });

  it.each([
    [{ port: "eighty" }, {}, "--port must be a whole number from 0 to 65535"],
    [{ port: "70000" }, {}, "--port must be a whole number"],
    [{}, { ATELIER_PORT: "-1" }, "ATELIER_PORT must be a whole number"],
    [{}, { PUBLIC_URL: "images.example.org" }, "PUBLIC_URL must be a web address"],
    [{}, { PUBLIC_URL: "https://example.org/images" }, "PUBLIC_URL must have no path: Atelier answers at the root of its own host name, as in https://example.org."],
    [{}, { DATABASE_URL: "mysql://x" }, "DATABASE_URL must start with postgres://"],
    [{}, { ATELIER_LOG_LEVEL: "loud" }, "ATELIER_LOG_LEVEL must be one of"],
    [{}, { S3_ENDPOINT: "s3.example.org" }, "S3_ENDPOINT must be the S3 server's address alone"],
    [{}, { S3_ENDPOINT: "https://s3.example.org/bucket" }, "S3_ENDPOINT must be the S3 server's address alone"],
    [{}, { S3_ENDPOINT: "https://s3.example.org", S3_BUCKET: "pictures" }, "S3_ACCESS_KEY_ID is missing"],
    [{}, { S3_BUCKET: "No Bucket" }, "S3_BUCKET must be a bucket's name"],
    [{}, { ATELIER_MASTER_KEY: "short" }, "ATELIER_MASTER_KEY must be 32 bytes"],
    [{}, { ATELIER_KEEP_FILES_DAYS: "0.000" }, "ATELIER_KEEP_FILES_DAYS must be more than 0"],
    [{}, { ATELIER_CALLER_SECRET: "x".repeat(31) }, "ATELIER_CALLER_SECRET must have at least 32 characters"],
  ])("names what is wrong: %j %j", (flags, environment, message) => {
    expect(() => readConfig(flags, environment)).toThrow(message);
  });

  it("names settings that are none, with the one that was meant, and no others", () => {
    const unknownIn = (environment: Record<string, string>) => readConfig({}, environment).unknownSettings;
    expect(unknownIn({ ATELIER_KEEP_TASK_COUNT: "5", ATELIER_KEEPFILES_DAY: "5", ATELIER_COLOUR: "red" })).toEqual([
      { name: "ATELIER_COLOUR", nearest: undefined },
      { name: "ATELIER_KEEPFILES_DAY", nearest: "ATELIER_KEEP_FILES_DAYS" },
      { name: "ATELIER_KEEP_TASK_COUNT", nearest: "ATELIER_KEEP_TASKS_COUNT" },
    ]);
    const read = { ATELIER_PORT: "1", ATELIER_SERVER: "https://pictures.example", ATELIER_URL: "x", ATELIER_TEST_POSTGRES: "/run" };
    expect(unknownIn({ ...read, ATELIER_COLOUR: "", OTHER_KEEP_TASK_COUNT: "5" })).toEqual([]);
  });

  it.each(["TASKS_DAYS", "TASKS_COUNT", "EVENTS_DAYS", "EVENTS_COUNT", "FILES_DAYS", "FILES_GIB", "DELIVERIES_DAYS"])("takes no 0 for ATELIER_KEEP_%s", (name) => {
    const message = `ATELIER_KEEP_${name} must be more than 0; leave it unset to keep everything`;
    expect(() => readConfig({}, { [`ATELIER_KEEP_${name}`]: "0" })).toThrow(message);
  });

  it("takes an S3 server whole", () => {
    const environment = { S3_ENDPOINT: "http://10.0.0.5:9000/", S3_BUCKET: "atelier", S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "hidden" };
    const s3 = { endpoint: "http://10.0.0.5:9000", bucket: "atelier", region: "us-east-1", accessKeyId: "id", secretAccessKey: "hidden" };
    expect(readConfig({}, environment).s3).toEqual(s3);
    expect(readConfig({}, {}).s3).toBeUndefined();
  });

  it("does not repeat the value of a wrong secret", () => {
    expect(() => readConfig({}, { ATELIER_MASTER_KEY: "hunter2" })).toThrow(expect.not.stringContaining("hunter2"));
  });
});

it("the fake engine is refused in production", () => {
  expect(readConfig({}, { ATELIER_FAKE_ENGINE: "1" }).fakeEngine).toBe(true);
  expect(() => readConfig({}, { ATELIER_FAKE_ENGINE: "1", NODE_ENV: "production" })).toThrow(/ATELIER_FAKE_ENGINE/);
});

import { readdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { databaseWith } from "../../db/test-database.ts";
import { pruneFiles } from "../../files/prune-files.ts";
import { limits } from "../../limits.ts";
import { bombPicture, formBody, formType, plainPicture, postForm, zipOf } from "../test-form.ts";
import type { TestPart } from "../test-form.ts";
import { publicUrl, signedHeaders, startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

const uploadUrl = "/v1/File/Upload";
const folderUrl = "/v1/File/FolderCreate";

interface Listed {
  [field: string]: unknown;
  id: string;
  name: string;
  url: string;
  contenttype: string;
  accesskey: string;
  parentid: string;
}

let server: TestServer;
let png: Buffer;
beforeAll(async () => {
  server = await startTestServer();
  png = await plainPicture(40, 30);
});
afterAll(() => server.stop());

const failure = (code: number, message: string) => ({ result: false, errors: [{ code, message, time: expect.any(Number) }] });

async function upload(parts: readonly TestPart[], as = server.mine): Promise<Listed[]> {
  const answer = (await postForm(server, uploadUrl, parts, as)).json<{ result: boolean; list: Listed[] }>();
  if (!answer.result) throw new Error(JSON.stringify(answer));
  return answer.list;
}

async function uploadOne(bytes: Buffer, name: string): Promise<Listed> {
  const [file] = await upload([["file", bytes, name]]);
  if (!file) throw new Error("nothing was listed");
  return file;
}

const get = (url: string, headers: Record<string, string> = {}) => server.app.inject({ url: url.replace(publicUrl, ""), headers });

/** Every row and every file that uploads left. */
async function leftBehind(): Promise<{ rows: number; stored: string[]; temporary: string[] }> {
  const { rows } = await server.db.query<{ count: number }>("select count(*)::int as count from files");
  const stored: string[] = [];
  for await (const page of server.files.list()) stored.push(...page.map((file) => file.key));
  return { rows: rows[0]?.count ?? -1, stored: stored.toSorted(), temporary: await readdir(join(server.folder, "tmp")) };
}

describe("POST /v1/File/Upload", () => {
  it("lists the file as official clients read it, and its address gives the bytes without a key", async () => {
    const [file] = await upload([["file", png, "harbour.png", "application/octet-stream"]]);
    expect(file).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: "harbour.png",
      contenttype: "image/png",
      size: String(png.length),
      parentid: "0",
      url: expect.stringMatching(/^https:\/\/pictures\.example\/v1\/File\/[A-Za-z0-9]{30}\/harbour\.png$/),
      addedtime: expect.stringMatching(/^[0-9]{10}$/),
      accesskey: expect.stringMatching(/^[A-Za-z0-9]{30}$/),
      expiretime: null,
    });
    const response = await get(file?.url ?? "");
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("image/png");
    expect(response.rawPayload.equals(png)).toBe(true);
    expect((await leftBehind()).temporary).toEqual([]);
  });

  it("takes several files of any field, from both kinds of project", async () => {
    const list = await upload([["a", png, "1.png"], ["b", Buffer.from("hello"), "2.txt"], ["note", "x"]], server.keyOnly);
    expect(list.map((file) => [file.name, file.contenttype])).toEqual([["1.png", "image/png"], ["2.txt", "text/plain; charset=utf-8"]]);
  });

  it.each([
    ["nothing", []],
    ["only text", [["file", "https://x.example/a.png"]]],
    ["an empty file", [["file", Buffer.alloc(0), "a.png"]]],
  ] as [string, TestPart[]][])("asks for a file when there is %s", async (_name, parts) => {
    expect((await postForm(server, uploadUrl, parts)).json()).toEqual(failure(0, "Request files [file] required"));
  });

  it("asks for a file when the body is JSON", async () => {
    expect((await server.post(uploadUrl, {})).json()).toEqual(failure(0, "Request files [file] required"));
  });

  it.each([
    ["an SVG with an external reference", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>'), "a.svg"],
    ["an SVG under a picture's name", Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), "a.png"],
    ["HTML", Buffer.from("<!doctype html><script>alert(1)</script>"), "a.html"],
    ["a program", Buffer.from("\x7fELF\x02\x01\x01\0\0\0", "latin1"), "a.png"],
    ["bytes under a text's name", Buffer.from([0x68, 0x00, 0x01]), "a.txt"],
    ["a picture whose header is cut off", Buffer.from("89504e470d0a1a0a0000000d4948", "hex"), "a.png"],
  ])("refuses %s", async (_name, bytes, name) => {
    const before = await leftBehind();
    expect((await postForm(server, uploadUrl, [["file", bytes, name, "image/png"]])).json()).toEqual(
      failure(0, "File [file] is of no supported type"),
    );
    expect(await leftBehind()).toEqual(before);
  });

  it("refuses a picture that would be decoded to more pixels than the limit, by its header", async () => {
    const bomb = await bombPicture(50_000, 50_000);
    expect((await postForm(server, uploadUrl, [["file", bomb, "a.png"]])).json()).toEqual(
      failure(0, "File [file] has more than 100 million pixels"),
    );
  });

  it.each([
    ["the type is that of the bytes", "x.txt", "image/png", "x.txt.png"],
    ["slashes are left out", "../../etc/passwd", "image/png", "passwd.png"],
    ["backslashes are left out", "C:\\fakepath\\a b.PNG", "image/png", "a b.PNG"],
    ["marks that turn the reading direction are replaced", "a\u202Egnp.exe.png", "image/png", "a_gnp.exe.png"],
    ["other scripts stay", "港の夜.png", "image/png", "港の夜.png"],
    ["nothing but dots is no name", "..", "image/png", "file.png"],
    ["long names are cut", `${"é".repeat(300)}.png`, "image/png", `${"é".repeat(60)}.png`],
  ])("%s", async (_name, given, contenttype, name) => {
    const file = await uploadOne(png, given);
    expect(file).toMatchObject({ name, contenttype });
    const response = await get(file.url);
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-disposition"]).toMatch(/^inline; filename="[\x20-\x7e]+"/);
  });

  it("a polyglot is what it begins with, and is never run", async () => {
    const gif = Buffer.concat([Buffer.from("GIF89a"), Buffer.from("/*"), Buffer.alloc(4), Buffer.from("*/=1;alert(1)//")]);
    const refused = await postForm(server, uploadUrl, [["file", gif, "a.js"]]);
    expect(refused.json()).toMatchObject({ result: false });
    const both = Buffer.concat([png, zipOf([{ name: "x.txt", bytes: Buffer.from("x") }])]);
    const list = await upload([["file", both, "a.zip"]]);
    expect(list.map((file) => file.contenttype)).toEqual(["image/png"]);
    const response = await get(list[0]?.url ?? "");
    expect(response.headers).toMatchObject({ "x-content-type-options": "nosniff", "content-security-policy": expect.stringContaining("sandbox") });
  });

  it("a file beyond the limit is refused while it arrives, and leaves nothing", async () => {
    const before = await leftBehind();
    const large = Buffer.concat([png, Buffer.alloc(limits.fileBytes)]);
    expect((await postForm(server, uploadUrl, [["file", large, "a.png"]])).json()).toEqual(failure(0, "File [file] is larger than 100 MB"));
    expect(await leftBehind()).toEqual(before);
  });

  it("more files than the limit are refused, and leave nothing", async () => {
    const before = await leftBehind();
    const parts = Array.from({ length: limits.filesPerRequest + 1 }, (_, at): TestPart => ["file", png, `${at}.png`]);
    expect((await postForm(server, uploadUrl, parts)).json()).toEqual(failure(0, "Request parameters are invalid."));
    expect(await leftBehind()).toEqual(before);
  });

  it("a form that breaks off inside a file leaves nothing", async () => {
    const before = await leftBehind();
    const headers = { ...signedHeaders(server.mine), "content-type": formType };
    const payload = formBody([["file", png, "a.png"]]).subarray(0, -40);
    const response = await server.app.inject({ method: "POST", url: uploadUrl, headers, payload });
    expect(response.json()).toEqual(failure(0, "Request parameters are invalid."));
    expect(await leftBehind()).toEqual(before);
  });

  it("a client that goes away in the middle leaves nothing", async () => {
    const own = await startTestServer();
    const answered = new Promise<void>((resolve) => own.app.addHook("onSend", async () => resolve()));
    await own.app.listen({ host: "127.0.0.1", port: 0 });
    // A listening TCP server has an address with a port.
    const { port } = own.app.server.address() as AddressInfo;
    const head = Object.entries({ ...signedHeaders(own.mine), host: "x", "content-type": formType, "content-length": "5000000" });
    const client = connect(port, "127.0.0.1");
    client.write(`POST ${uploadUrl} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    client.write(formBody([["file", Buffer.concat([png, Buffer.alloc(200_000)]), "a.png"]]).subarray(0, -20), () => client.destroy());
    await answered;
    expect(await readdir(join(own.folder, "tmp"))).toEqual([]);
    expect((await own.db.query("select id from files")).rows).toEqual([]);
    await own.stop();
  });

  it("bytes that cannot be stored leave no row", async () => {
    const own = await startTestServer();
    own.context.files.put = () => Promise.reject(new Error("the disk is full"));
    expect((await postForm(own, uploadUrl, [["file", png, "a.png"]])).statusCode).toBe(500);
    expect((await own.db.query("select id from files")).rows).toEqual([]);
    await own.stop();
  });

  it("strangers are refused before a byte of the file is read", async () => {
    const headers = { "content-type": formType };
    const response = await server.app.inject({ method: "POST", url: uploadUrl, headers, payload: formBody([["file", png, "a.png"]]) });
    expect(response.statusCode).toBe(401);
  });
});

describe("archives", () => {
  const text = { name: "notes/read me.txt", bytes: Buffer.from("hello") };

  it("are kept, and their files beside them in a folder of their own", async () => {
    const archive = zipOf([text, { name: "deep/er/a.png", bytes: png }, { name: "__MACOSX/._a", bytes: Buffer.from("x") }, { name: "a.exe", bytes: Buffer.from("MZ\0") }]);
    const [zip, ...inside] = await upload([["file", archive, "My trip.zip"]]);
    expect(zip).toMatchObject({ name: "My trip.zip", contenttype: "application/zip", parentid: "0" });
    expect(inside.map((file) => [file.name, file.contenttype])).toEqual([["read me.txt", "text/plain; charset=utf-8"], ["a.png", "image/png"]]);
    expect(new Set(inside.map((file) => file.parentid)).size).toBe(1);
    expect((await get(inside[1]?.url ?? "")).rawPayload.equals(png)).toBe(true);
    const { rows } = await server.db.query<{ name: string }>("select name from folders where id = $1", [inside[0]?.parentid]);
    expect(rows[0]?.name).toBe(`My-trip-${zip?.id.slice(-8)}`);
  });

  const damaged = "it is damaged, or a name in it is not safe";
  const bomb = "it unpacks to far more than it holds";
  it.each([
    ["a name that climbs", [{ ...text, name: "../../evil.txt" }], damaged],
    ["an absolute name", [{ ...text, name: "/etc/cron.d/evil.txt" }], damaged],
    ["a name with backslashes", [{ ...text, name: "..\\evil.txt" }], damaged],
    ["a link", [{ ...text, mode: 0o120777 }], "it holds a link"],
    ["a bomb", [{ name: "a.txt", bytes: Buffer.alloc(20_000_000, 0x20) }], bomb],
    ["too many entries", Array.from({ length: 501 }, (_, at) => ({ name: `${at}.txt`, bytes: Buffer.from("x") })), "it has more than 500 entries"],
    ["bytes that are no archive", Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), Buffer.alloc(100)]), damaged],
  ])("with %s are refused and leave nothing", async (_name, content, reason) => {
    const before = await leftBehind();
    const archive = Buffer.isBuffer(content) ? content : zipOf([text, ...content]);
    expect((await postForm(server, uploadUrl, [["file", archive, "a.zip"]])).json()).toEqual(
      failure(0, `Archive [file] cannot be unpacked: ${reason}`),
    );
    expect(await leftBehind()).toEqual(before);
  });

  it("with a picture that is a bomb are refused", async () => {
    const archive = zipOf([text, { name: "b.png", bytes: await bombPicture(60_000, 60_000) }]);
    expect((await postForm(server, uploadUrl, [["file", archive, "a.zip"]])).json()).toEqual(
      failure(0, "File [b.png] has more than 100 million pixels"),
    );
    expect((await leftBehind()).temporary).toEqual([]);
  });
});

describe("POST /v1/File/FolderCreate", () => {
  it("makes a folder, gives it again, and files go into it under both spellings", async () => {
    const created = (await server.post(folderUrl, { name: "trip_2-a" })).json<{ list: Listed[] }>();
    expect(created).toEqual({
      result: true,
      errors: [],
      list: [{ id: expect.stringMatching(/^[0-9a-f]{32}$/), name: "trip_2-a", parentid: "0", size: "0", contenttype: "", addedtime: expect.stringMatching(/^[0-9]+$/) }],
    });
    expect((await server.post(folderUrl, { name: "trip_2-a", parentid: "" })).json()).toEqual(created);
    const folderid = created.list[0]?.id ?? "";
    for (const spelling of ["parentid", "parentId"]) {
      expect((await postForm(server, folderUrl, [["name", "inner"], [spelling, folderid]])).json()).toMatchObject({ list: [{ name: "inner", parentid: folderid }] });
    }
    for (const spelling of ["folderid", "folderId"]) {
      expect(await upload([[spelling, folderid], ["file", png, "a.png"]])).toMatchObject([{ parentid: folderid }]);
      expect(await upload([["file", png, "a.png"], [spelling, folderid]])).toMatchObject([{ parentid: folderid }]);
    }
  });

  it.each([
    [{}, "Request parameter [name] required"],
    [{ name: "" }, "Request parameter [name] required"],
    [{ name: "a b" }, "Request parameters are invalid."],
    [{ name: "../x" }, "Request parameters are invalid."],
    [{ name: "line\nend" }, "Request parameters are invalid."],
    [{ name: "x".repeat(101) }, "Request parameters are invalid."],
    [{ name: ["a", "b"] }, "Request parameters are invalid."],
    [{ name: { a: 1 } }, "Request parameters are invalid."],
  ])("refuses %j", async (body, message) => {
    expect((await server.post(folderUrl, body)).json()).toEqual(failure(0, message));
  });

  it("answers for another project's folder exactly what it answers for none", async () => {
    const { list } = (await server.post(folderUrl, { name: "secret" })).json<{ list: Listed[] }>();
    const missing = failure(1, "folder-not-exist");
    for (const id of [list[0]?.id ?? "", "0".repeat(32), "nothing"]) {
      expect((await server.post(folderUrl, { name: "x", parentid: id }, server.other)).json()).toEqual(missing);
      expect((await postForm(server, uploadUrl, [["folderid", id], ["file", png, "a.png"]], server.other)).json()).toEqual(missing);
    }
    const theirs = (await server.post(folderUrl, { name: "secret" }, server.other)).json<{ list: Listed[] }>();
    expect(theirs.list[0]?.id).not.toBe(list[0]?.id);
  });

  it("asks for a key", async () => {
    expect((await server.app.inject({ method: "POST", url: folderUrl, payload: "{}" })).statusCode).toBe(401);
  });
});

describe("GET /v1/File/{accesskey}/{name}", () => {
  const digits = Buffer.from("0123456789");
  let file: Listed;
  beforeAll(async () => {
    file = await uploadOne(digits, "digits.txt");
  });

  it.each([
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=0-99", "0123456789", "bytes 0-9/10"],
    ["BYTES = 9-9", "9", "bytes 9-9/10"],
  ])("answers %s with that part", async (range, text, contentRange) => {
    const response = await get(file.url, { range });
    expect([response.statusCode, response.body, response.headers["content-range"]]).toEqual([206, text, contentRange]);
    expect(response.headers["content-length"]).toBe(String(text.length));
  });

  it.each(["bytes=10-", "bytes=-0", "bytes=99-100"])("answers %s with 416 and the size", async (range) => {
    const response = await get(file.url, { range });
    expect([response.statusCode, response.body, response.headers["content-range"]]).toEqual([416, "", "bytes */10"]);
  });

  it.each(["bytes=0-1,4-5", "lines=1-2", "bytes=4-2", "bytes=x", "bytes=-", ""])("answers %j with the whole file", async (range) => {
    const response = await get(file.url, { range });
    expect([response.statusCode, response.body, response.headers["accept-ranges"]]).toEqual([200, "0123456789", "bytes"]);
  });

  it("knows by ETag what the caller has: 304, and a range only of the same bytes", async () => {
    const etag = String((await get(file.url)).headers.etag);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const response = await get(file.url, { "if-none-match": known });
      expect([response.statusCode, response.body]).toEqual([304, ""]);
    }
    expect((await get(file.url, { "if-none-match": '"other"' })).statusCode).toBe(200);
    expect((await get(file.url, { range: "bytes=1-2", "if-range": etag })).statusCode).toBe(206);
    for (const other of ['"other"', `W/${etag}`, "Wed, 21 Oct 2026 07:28:00 GMT"]) {
      expect((await get(file.url, { range: "bytes=1-2", "if-range": other })).body).toBe("0123456789");
    }
  });

  it("answers HEAD with the headers alone", async () => {
    const response = await server.app.inject({ method: "HEAD", url: file.url.replace(publicUrl, "") });
    expect([response.statusCode, response.body, response.headers["content-length"]]).toEqual([200, "", "10"]);
  });

  it("shows what is safe to show, saves the rest, and what is asked to be saved", async () => {
    const pdf = await uploadOne(Buffer.from("%PDF-1.7\n"), 'a "b" 港.pdf');
    expect((await get(pdf.url)).headers["content-disposition"]).toBe(
      `attachment; filename="a _b_ _.pdf"; filename*=UTF-8''a%20_b_%20%E6%B8%AF.pdf`,
    );
    expect((await get(file.url)).headers["content-disposition"]).toBe('inline; filename="digits.txt"');
    expect((await get(`${file.url}?download=1`)).headers["content-disposition"]).toBe('attachment; filename="digits.txt"');
  });

  it("is found under its own name and key only", async () => {
    const path = file.url.replace("digits.txt", "");
    for (const url of [`${path}other.txt`, `${path}digits.txt/x`, file.url.replace(file.accesskey, "A".repeat(30)), `${publicUrl}/v1/File/x/digits.txt`]) {
      expect((await get(url)).statusCode).toBe(404);
    }
  });

  it("expires when it was told to, and is not found then", async () => {
    const soon = String(Math.floor(Date.now() / 1000) + 3_600);
    const [expiring] = await upload([["expiretime", soon], ["file", digits, "soon.txt"]]);
    expect(expiring?.["expiretime"]).toBe(soon);
    expect((await get(expiring?.url ?? "")).statusCode).toBe(200);
    await server.db.query("update files set expires_at = now() where id = $1", [expiring?.id]);
    expect((await get(expiring?.url ?? "")).statusCode).toBe(404);
  });

  it.each([["1", "must be between"], ["soon", "must be integer or float"], ["99999999999", "must be between"]])(
    "refuses the expiry %s",
    async (expiretime, message) => {
      const answer = (await postForm(server, uploadUrl, [["expiretime", expiretime], ["file", digits, "a.txt"]])).json<{ errors: { message: string }[] }>();
      expect(answer.errors[0]?.message).toContain(`Request parameter [expiretime] ${message}`);
    },
  );
});

describe("thumbnails", () => {
  it("are made at a bounded width, kept, and removed with the picture", async () => {
    const file = await uploadOne(await plainPicture(600, 300), "wide.png");
    const { default: sharp } = await import("sharp");
    for (const [asked, width] of [["1", 128], ["200", 256], ["256", 256], ["99999", 600]] as const) {
      const response = await get(`${file.url}?w=${asked}`);
      expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "image/webp"]);
      await writeFile(join(server.folder, "small.webp"), response.rawPayload);
      expect(await sharp(join(server.folder, "small.webp")).metadata()).toMatchObject({ format: "webp", width, height: width / 2 });
    }
    const { rows } = await server.db.query<{ file_key: string }>("select file_key from files where id = $1", [file.id]);
    const kept = await server.files.open(`${rows[0]?.file_key}.w256.webp`);
    expect(kept).toBeDefined();
    kept?.stream.destroy();
    const part = await get(`${file.url}?w=256`, { range: "bytes=0-3" });
    expect([part.statusCode, part.body]).toEqual([206, "RIFF"]);
    expect((await leftBehind()).stored.filter((key) => key.includes(".w"))).toEqual([]);
    await server.files.remove(rows[0]?.file_key ?? "");
    expect(await server.files.open(`${rows[0]?.file_key}.w256.webp`)).toBeUndefined();
  });

  it.each(["0", "-1", "x", "1e3", ""])("the width %j is no width: the file itself is the answer", async (w) => {
    const file = await uploadOne(png, "a.png");
    expect((await get(`${file.url}?w=${w}`)).headers["content-type"]).toBe("image/png");
  });

  it("are not made of what is no picture, is damaged or is too large: the file itself is the answer", async () => {
    const whole = await plainPicture(300, 300, { type: "jpeg" });
    for (const [bytes, name] of [[Buffer.from("text"), "a.txt"], [whole.subarray(0, 400), "cut.jpg"], [await bombPicture(9_000, 9_000), "bomb.png"]] as const) {
      const file = await uploadOne(bytes, name);
      const response = await get(`${file.url}?w=128`);
      expect([response.statusCode, response.rawPayload.equals(bytes)]).toEqual([200, true]);
    }
    expect((await leftBehind()).temporary).toEqual([]);
  });
});

describe("what a prune removes", () => {
  it("expired, interrupted and old files with their bytes, but none that a task still needs", async () => {
    const own = await startTestServer();
    const kept: Record<string, Listed> = {};
    for (const name of ["expired", "interrupted", "old", "fresh", "needed"]) {
      const answer = (await postForm(own, uploadUrl, [["file", png, `${name}.png`]])).json<{ list: Listed[] }>();
      kept[name] = answer.list[0] as Listed; // checked by the counts below
    }
    await own.db.query("update files set expires_at = now() - interval '1 s' where id = any($1)", [[kept["expired"]?.id, kept["needed"]?.id]]);
    await own.db.query("update files set stored_at = null, created_at = now() - interval '2 h' where id = $1", [kept["interrupted"]?.id]);
    await own.db.query("update files set created_at = now() - interval '40 d' where id = $1", [kept["old"]?.id]);
    const { taskid } = (await own.post("/v1/Run/atelier/starter", {})).json<{ taskid: string }>();
    await own.db.query("insert into task_files values ($1, $2)", [taskid, kept["needed"]?.id]);

    const names = async () => (await own.db.query<{ name: string }>("select name from files order by name")).rows.map((row) => row.name);
    expect(await pruneFiles(own.context, { keepDays: null })).toBe(2);
    expect(await names()).toEqual(["fresh.png", "needed.png", "old.png"]);
    expect(await pruneFiles(own.context, { keepDays: 30 })).toBe(1);
    await own.db.query("update tasks set status = 'task_cancel' where id = $1", [taskid]);
    expect(await pruneFiles(own.context, { keepDays: null })).toBe(1);
    expect(await names()).toEqual(["fresh.png"]);
    let stored = 0;
    for await (const page of own.files.list()) stored += page.length;
    expect(stored).toBe(1);
    await own.stop();
  });

  it("a run that names a file while it is removed is refused, and one that came first keeps its file", async () => {
    const own = await startTestServer();
    const uploaded = async (name: string) => (await postForm(own, uploadUrl, [["file", png, name]])).json<{ list: [Listed] }>().list[0].id;
    const [first, named, needed] = [await uploaded("first.png"), await uploaded("named.png"), await uploaded("needed.png")];
    await own.db.query("update files set created_at = now() - interval '40 d'");
    const run = async (image: string) => (await own.post("/v1/Run/atelier/enlarge", { image })).json<{ result: boolean }>().result;
    const answers: boolean[] = [];
    // Between the look for what may go and its removal: the run of a file that is still there.
    const db = databaseWith(own.db, {
      query: async (statement, values) => {
        const answer = await own.db.query(statement, values);
        if (String(statement).includes("order by f.created_at")) answers.push(await run(needed));
        return answer as never;
      },
    });
    const remove = async (key: string) => {
      if (key.startsWith(first)) answers.push(await run(named));
      await own.files.remove(key);
    };
    expect(await pruneFiles({ db, files: { ...own.files, remove } }, { keepDays: 30 })).toBe(2);
    expect(answers).toEqual([true, false]);
    expect((await own.db.query("select id from files")).rows).toEqual([{ id: needed }]);
    await own.stop();
  });
});

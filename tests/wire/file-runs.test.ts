import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { plainPicture, postForm } from "../../packages/server/src/http/test-form.ts";
import type { TestPart } from "../../packages/server/src/http/test-form.ts";
import { startFileServer } from "./file-setup.ts";
import type { EndedTask, FileSetup } from "./file-setup.ts";

const enlarge = "atelier/enlarge";
const sheet = "atelier/contact-sheet";

let setup: FileSetup;
let wide: Buffer;
let tall: Buffer;
beforeAll(async () => {
  setup = await startFileServer();
  [wide, tall] = [await plainPicture(60, 20), await plainPicture(20, 60, { type: "webp" })];
});
afterAll(() => setup.stop());

/** Width, height and format of the only output. */
async function shapeOf(task: EndedTask): Promise<string> {
  expect(task).toMatchObject({ pexit: "0", debugerror: "", outputs: [expect.anything()] });
  const output = task.outputs[0];
  await writeFile(join(setup.server.folder, "output"), await setup.bytesOf(output?.url ?? ""));
  const { width, height, format } = await sharp(join(setup.server.folder, "output")).metadata();
  expect(output).toMatchObject({ name: expect.stringMatching(/^0\.(png|jpg|webp)$/), contenttype: `image/${format}` });
  return `${width}x${height} ${format}`;
}

const fileAddress = (name: string) => expect.stringMatching(new RegExp(`^${setup.url}/v1/File/[A-Za-z0-9]{30}/${name}$`));

describe("File inputs: one file (fileinput)", () => {
  it("File inputs: a multipart part with a file is the file, and Detail echoes its address", async () => {
    const task = await setup.run(enlarge, [["image", wide, "my picture.png", "application/octet-stream"], ["imageUrl", ""], ["factor", "3"]]);
    expect(await shapeOf(task)).toBe("180x60 png");
    expect(task.parameters).toEqual({ image: fileAddress("image-1.png"), imageUrl: "", factor: "3" });
    expect((await setup.bytesOf(String(task.parameters["image"]))).equals(wide)).toBe(true);
  });

  it("File inputs: text in the parameter itself is an address, in JSON", async () => {
    const image = `${setup.elsewhere}/wide.png?size=1,2`;
    const task = await setup.run(enlarge, { image, imageUrl: "", factor: 2 });
    expect(await shapeOf(task)).toBe("120x40 png");
    expect(task.parameters).toEqual({ image, imageUrl: "", factor: 2 });
  });

  it("File inputs: the Url companion is an address, in multipart with an empty file part beside it", async () => {
    const task = await setup.run(enlarge, [["image", Buffer.alloc(0), ""], ["imageUrl", `${setup.elsewhere}/tall.jpg`]]);
    expect(await shapeOf(task)).toBe("40x120 png");
  });

  it("File inputs: an earlier upload's id and address, and an earlier output's address, are read without HTTP", async () => {
    const upload = await setup.upload(wide, "mine.png");
    const before = setup.asked.length;
    const first = await setup.run(enlarge, { image: upload.id });
    expect(await shapeOf(first)).toBe("120x40 png");
    expect(await shapeOf(await setup.run(enlarge, { imageUrl: upload.url }))).toBe("120x40 png");
    expect(await shapeOf(await setup.run(enlarge, { image: first.outputs[0]?.url }))).toBe("240x80 png");
    const output = `${setup.url}/v1/File/${first.outputs[0]?.accesskey}/0.png`;
    expect(await shapeOf(await setup.run(enlarge, { image: output }))).toBe("240x80 png");
    expect(setup.asked.length).toBe(before);
  });

  it("File inputs: the sample that the schema shows as default runs when it is sent", async () => {
    const detail = (await setup.server.post("/v1/Tool/Detail", { slugowner: "atelier", slugproject: "enlarge" })).json<{
      tool: [{ parameters: [{ items: { id: string; default: string }[] }]; inspire: Record<string, string>[] }];
    }>();
    const image = detail.tool[0].parameters[0].items.find((item) => item.id === "image")?.default;
    expect(image).toBe(`${setup.url}/uploads/samples/gilded-tower.jpg`);
    expect((await fetch(image ?? "")).headers.get("content-type")).toBe("image/jpeg");
    expect(await shapeOf(await setup.run(enlarge, { image }))).toBe("512x512 png");
    for (const example of detail.tool[0].inspire) expect((await setup.run(enlarge, example)).pexit).toBe("0");
  });

  it.each([
    ["nothing", {}],
    ["empty text", { image: "", imageUrl: "" }],
    ["null", { image: null }],
    ["an untouched 0", { image: 0 }],
    ["an empty list", { image: [] }],
  ])("File inputs: %s is a missing file: Request files [image] required", async (_name, body) => {
    await expect(setup.run(enlarge, body)).rejects.toThrow("Request files [image] required");
  });

  it.each([
    ["text that is no address", { image: "my picture" }],
    ["another scheme", { image: "file:///etc/passwd" }],
    ["credentials in the address", { image: "http://user:secret@example.com/a.png" }],
    ["two addresses", { image: ["https://a.example/1.png", "https://a.example/2.png"] }],
    ["an object", { image: { fileKey: "x/y", name: "z" } }],
    ["an object in a list", { image: [{ part: 0 }] }],
    ["a number", { image: 42 }],
  ])("File inputs: %s is refused", async (_name, body) => {
    await expect(setup.run(enlarge, body)).rejects.toThrow("Request parameters are invalid.");
  });

  it("File inputs: two parts for one file are refused, and nothing of them is kept", async () => {
    const count = async () => (await setup.server.db.query("select id from files")).rows.length;
    const before = await count();
    await expect(setup.run(enlarge, [["image", wide, "a.png"], ["image", wide, "b.png"]])).rejects.toThrow("Request parameters are invalid.");
    await expect(setup.run(enlarge, [["image", wide, "a.png"], ["factor", "99"]])).rejects.toThrow("must be between 0.1 and 8");
    await expect(setup.run(enlarge, [["image", Buffer.from("<svg/>"), "a.png"]])).rejects.toThrow("File [image] is of no supported type");
    expect(await count()).toBe(before);
    // They go right after the task's end.
    await expect.poll(setup.temporary).toEqual([]);
  });
});

describe("File inputs: several files (multifileinput and combinefileinput)", () => {
  it("File inputs: parts, addresses in the parameter and in its companion are mixed in that order", async () => {
    const upload = await setup.upload(tall, "mine.webp");
    const task = await setup.run(sheet, [
      ["pictures", wide, "one.png"],
      ["pictures", `${setup.elsewhere}/wide.png`],
      ["pictures", tall, "two.webp"],
      ["pictures", upload.id],
      ["picturesUrl", `${setup.elsewhere}/tall.jpg, ${upload.url}`],
      ["references", wide, "reference.png"],
      ["referencesUrl", `${setup.elsewhere}/tall.jpg`],
      ["columns", "3"],
      ["cellwidth", "64"],
      ["cellheight", "32"],
      ["gap", "4"],
      ["labels", "none"],
    ]);
    // Three columns; a row of references, two of pictures.
    expect(await shapeOf(task)).toBe("208x112 png");
    expect(task.parameters["pictures"]).toEqual([fileAddress("pictures-1.png"), fileAddress("pictures-2.webp"), `${setup.elsewhere}/wide.png`, upload.id]);
    expect(task.parameters["references"]).toEqual(fileAddress("references-1.png"));
    const { rows } = await setup.server.db.query<{ input: Record<string, object[]> }>("select input from tasks where id = $1", [task.id]);
    expect(rows[0]?.input["pictures"]?.map((file) => Object.keys(file)[0])).toEqual(["name", "name", "url", "name", "url", "name"]);
  });

  it.each([
    ["a JSON list", (one: string, two: string) => ({ pictures: [one, two] })],
    ["a JSON list as text", (one: string, two: string) => ({ pictures: JSON.stringify([one, two]) })],
    ["text between commas", (one: string, two: string) => ({ pictures: `${one}, ${two}` })],
    ["the companion", (one: string, two: string) => ({ pictures: "", picturesUrl: `${one},${two}` })],
    ["a companion list", (one: string, two: string) => ({ picturesUrl: [one, two] })],
  ])("File inputs: several addresses as %s", async (_name, body) => {
    const layout = { columns: 2, cellwidth: 32, cellheight: 32, gap: 0, labels: "none", format: "webp" };
    const task = await setup.run(sheet, { ...body(`${setup.elsewhere}/wide.png?a=1,2`, `${setup.elsewhere}/tall.jpg`), ...layout });
    expect(await shapeOf(task)).toBe("64x32 webp");
  });

  it("File inputs: a single address where several may stand is one", async () => {
    const task = await setup.run(sheet, { pictures: `${setup.elsewhere}/wide.png`, columns: 4, cellwidth: 32, cellheight: 32, gap: 0, labels: "none", format: "jpeg" });
    expect(await shapeOf(task)).toBe("32x32 jpeg");
  });

  it("File inputs: more files than the parameter takes are refused with its range", async () => {
    const references = Array.from({ length: 17 }, (_, at) => `https://pictures.example/${at}.png`);
    await expect(setup.run(sheet, { pictures: references[0], references })).rejects.toThrow("Request parameter [references] must be between 1 and 16");
  });

  it("File inputs: the same input gives the same bytes", async () => {
    const { server } = setup;
    const { tool } = (await server.post("/v1/Tool/Detail", { slugowner: "atelier", slugproject: "contact-sheet" })).json<{ tool: [{ inspire: object[] }] }>();
    for (const example of tool[0].inspire) {
      const tasks = [await setup.run(sheet, example), await setup.run(sheet, example)];
      const [one, two] = await Promise.all(tasks.map((task) => setup.bytesOf(task.outputs[0]?.url ?? "")));
      expect(one && two && one.equals(two)).toBe(true);
    }
  });
});

describe("File inputs: what cannot be fetched or decoded ends the task badly, and costs nothing", () => {
  const loopback = "http://169.254.169.254/latest/meta-data";
  it.each([
    ["a private address", () => loopback, "INPUT_NOT_FETCHED: image: The address does not lead to a public host."],
    ["a missing page", () => `${setup.elsewhere}/none.png`, "INPUT_NOT_FETCHED: image: The answer's status was not a success. (HTTP 404)"],
    ["HTML", () => `${setup.elsewhere}/page`, "INPUT_NOT_FETCHED: image: What the address gave is of no supported type."],
  ])("File inputs: %s", async (_name, address, debugerror) => {
    const task = await setup.run(enlarge, { image: address() });
    expect(task).toMatchObject({ status: "task_postprocess_end", pexit: "1", outputs: [], totalcost: "0", debugerror });
    expect(task["preprocessstarttime"]).not.toBe("0");
    await expect.poll(setup.temporary).toEqual([]);
  });

  it("File inputs: a picture that breaks off, and text, are told by the engine", async () => {
    const noise = await sharp({ create: { width: 200, height: 200, channels: 3, background: "black", noise: { type: "gaussian", mean: 128, sigma: 40 } } }).jpeg().toBuffer();
    const cut = await setup.run(enlarge, [["image", noise.subarray(0, noise.length / 2), "cut.jpg"]]);
    expect(cut).toMatchObject({ pexit: "1", outputs: [], debugerror: "INPUT_UNREADABLE: image-1.jpg is damaged: it cannot be decoded to its end." });
    const text = await setup.run(enlarge, [["image", Buffer.from("hello"), "a.txt"]]);
    expect(text.debugerror).toBe("INPUT_UNREADABLE: image-1.txt is no picture that can be read (JPEG, PNG, WebP, GIF or AVIF).");
    const large = await setup.run(enlarge, [["image", wide, "a.png"], ["width", "16000"], ["height", "16000"], ["fit", "fill"]]);
    expect(large.debugerror).toMatch(/^OUTPUT_TOO_LARGE: The output would be 16000 × 16000/);
  });
});

describe("File inputs: isolation", () => {
  it("File inputs: another project's file is answered like a missing one, by id, by address, by output", async () => {
    const { server } = setup;
    const upload = await setup.upload(wide, "secret.png");
    const mine = await setup.run(enlarge, { image: upload.id });
    const names = [
      upload.id, upload.url, mine.outputs[0]?.url, `${setup.url}/v1/File/${mine.outputs[0]?.accesskey}/0.png`, String(mine.parameters["image"]),
      "0".repeat(32), `${setup.url}/v1/File/${"A".repeat(30)}/secret.png`, `${setup.url}/outputs/x/0.png`, `${setup.url}/openapi.json`,
      `${setup.url}/uploads/samples/none.png`, "/v1/File/%/x",
    ];
    for (const image of names) {
      await expect(setup.run(enlarge, { image }, server.other)).rejects.toThrow("Request files [image] required");
    }
    const tasks = await server.db.query("select id from tasks where project_id = $1", [server.other.projectid]);
    expect(tasks.rows).toEqual([]);
  });

  it("File inputs: an expired upload is a missing one", async () => {
    const upload = await setup.upload(wide, "old.png");
    await setup.server.db.query("update files set expires_at = now() where id = $1", [upload.id]);
    await expect(setup.run(enlarge, { image: upload.id })).rejects.toThrow("Request files [image] required");
  });

  it("Task/InputOutputDelete: what came with the run goes with its outputs; uploads and other tasks' files stay", async () => {
    const { server } = setup;
    const upload = await setup.upload(wide, "kept.png");
    const task = await setup.run(sheet, [["pictures", wide, "a.png"], ["pictures", upload.id], ["labels", "number"]]);
    const [came = ""] = task.parameters["pictures"] as string[];
    // A task that waits with the same file keeps it until it has ended.
    const other = (await server.post(`/v1/Run/${enlarge}`, { image: came })).json<{ taskid: string }>();
    await server.db.query("update tasks set status = 'task_start', worker_id = null where id = $1", [other.taskid]);
    const remove = () => server.post("/v1/Task/InputOutputDelete", { taskid: task.id });
    expect((await remove()).json()).toEqual({ result: true, errors: [] });
    expect((await fetch(task.outputs[0]?.url ?? "")).status).toBe(404);
    expect((await fetch(came)).status).toBe(200);
    await server.db.query("update tasks set status = 'task_cancel' where id = $1", [other.taskid]);
    expect((await remove()).json()).toEqual({ result: true, errors: [] });
    expect([(await fetch(came)).status, (await fetch(upload.url)).status]).toEqual([404, 200]);
  });
});

describe("Run: bodies with files", () => {
  it("Run: files under names that the model does not declare are read past", async () => {
    const parts: TestPart[] = [["image", wide, "a.png"], ["selectedModel", wide, "b.png"], ["__proto__", wide, "c.png"]];
    expect(await shapeOf(await setup.run(enlarge, parts))).toBe("120x40 png");
    expect((await postForm(setup.server, "/v1/Run/atelier/starter", [["image", wide, "a.png"], ["prompt", "x"]])).json()).toMatchObject({ result: true });
  });

  it("Run: the picture is turned as its camera held it, transparency stays in PNG and becomes white in JPEG", async () => {
    const turned = await sharp({ create: { width: 60, height: 20, channels: 3, background: "red" } }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await shapeOf(await setup.run(enlarge, [["image", turned, "a.jpg"]]))).toBe("40x120 png");
    const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } }).png().toBuffer();
    for (const [format, pixel] of [["png", [0, 0, 0, 0]], ["jpeg", [255, 255, 255]]] as const) {
      await shapeOf(await setup.run(enlarge, [["image", clear, "a.png"], ["format", format]]));
      const { data } = await sharp(join(setup.server.folder, "output")).raw().toBuffer({ resolveWithObject: true });
      expect([...data.subarray(0, pixel.length)]).toEqual([...pixel]);
    }
  });
});

it.each(["png", "jpeg", "webp"])("Outputs: %s is told as what it is, by its task and by its address", async (format) => {
  const task = await setup.run(enlarge, [["image", wide, "a.png"], ["format", format]]);
  // Compares the type that the task says with the bytes at the address.
  expect(await shapeOf(task)).toBe(`120x40 ${format}`);
  expect((await fetch(task.outputs[0]?.url ?? "")).headers.get("content-type")).toBe(`image/${format}`);
});

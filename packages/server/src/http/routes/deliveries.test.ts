import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startTestServer } from "../test-server.ts";
import type { TestServer } from "../test-server.ts";

interface Answer {
  total: string;
  deliverylist: { id: string; taskid: string; status: string; nexttime: string; attempts: object[] }[];
}

let server: TestServer;
const ids: string[] = [];
beforeAll(async () => {
  server = await startTestServer();
  for (const status of ["delivered", "abandoned", "abandoned"]) {
    const { taskid } = (await server.post("/v1/Run/atelier/starter", { prompt: "moon" })).json<{ taskid: string }>();
    const { rows } = await server.db.query<{ id: string }>(
      `insert into deliveries (task_id, project_id, url, status, attempt, failures, created_at, ended_at)
       select id, project_id, 'https://receiver.test/hook', $2, 2, 2, to_timestamp(1700000000), to_timestamp(1700000009) from tasks where id = $1
       returning id`,
      [taskid, status],
    );
    ids.push(rows[0]?.id ?? "");
  }
  await server.db.query(
    `insert into delivery_attempts (delivery_id, attempt, started_at, duration_ms, http_status, error_class)
     values ($1, 1, to_timestamp(1700000001), 12, 500, 'http-status'), ($1, 2, to_timestamp(1700000003), null, null, null)`,
    [ids[0]],
  );
});
afterAll(() => server.stop());

const ask = async (url: string, body: object): Promise<Answer> => (await server.post(`/v1/Delivery/${url}`, body)).json<Answer>();
const missing = { result: false, errors: [{ code: 1, message: "There is no such delivery.", time: expect.any(Number) }] };

describe("deliveries over HTTP", () => {
  it("are listed page by page, the newest first, with how many there are", async () => {
    const all = await ask("List", {});
    expect(all).toMatchObject({ result: true, errors: [], total: "3" });
    expect(all.deliverylist.map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await ask("List", { order: "ASC", start: "1", limit: 1 })).deliverylist.map(({ id }) => id)).toEqual([ids[1]]);
  });

  it("are shown with their tries, the newest first", async () => {
    expect((await ask("Detail", { deliveryid: ids[0] })).deliverylist).toEqual([
      {
        id: ids[0],
        messageid: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
        taskid: expect.stringMatching(/^\d+$/),
        url: "https://receiver.test/hook",
        status: "delivered",
        createtime: "1700000000",
        nexttime: "0",
        endtime: "1700000009",
        attempts: [
          { attempt: "2", starttime: "1700000003", durationms: "", httpstatus: "", errorclass: "" },
          { attempt: "1", starttime: "1700000001", durationms: "12", httpstatus: "500", errorclass: "http-status" },
        ],
      },
    ]);
  });

  it("are sent again, with the whole schedule before them", async () => {
    const { deliverylist } = await ask("Redeliver", { deliveryid: ids[1] });
    expect(deliverylist).toMatchObject([{ id: ids[1], status: "waiting", endtime: "0", nexttime: expect.stringMatching(/^\d{10}$/) }]);
    const { rows } = await server.db.query("select failures, next_attempt_at <= now() as due from deliveries where id = $1", [ids[1]]);
    expect(rows).toEqual([{ failures: 0, due: true }]);
  });

  it.each(["", "x", "0", "99999999999999999999999", "-1", "1 or 1=1"])("%j names no delivery", async (deliveryid) => {
    for (const url of ["Detail", "Redeliver"]) expect(await ask(url, { deliveryid })).toEqual(missing);
    expect(await ask("Detail", {})).toEqual(missing);
  });
});

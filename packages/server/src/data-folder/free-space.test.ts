import { expect, it } from "vitest";

import { limits } from "../limits.ts";
import { recentRoom } from "./free-space.ts";

/** Looks that answer what the test says, at the time that it says. */
function setup() {
  const looks: { readonly resolve: (hasRoom: boolean) => void; readonly reject: (error: Error) => void }[] = [];
  const clock = { nowMs: 0 };
  const look = (): Promise<boolean> => new Promise((resolve, reject) => looks.push({ resolve, reject }));
  return { looks, clock, room: recentRoom(look, () => clock.nowMs) };
}

it("one look at the disk is for all who ask meanwhile and shortly after, and no longer", async () => {
  const { looks, clock, room } = setup();
  const asked = [room(), room()];
  looks[0]?.resolve(true);
  clock.nowMs = limits.diskLookMs - 1;
  expect(await Promise.all([...asked, room()])).toEqual([true, true, true]);
  expect(looks).toHaveLength(1);
  clock.nowMs = limits.diskLookMs;
  const later = room();
  looks[1]?.resolve(false);
  expect(await later).toBe(false);
});

it("a look that failed is not believed by whoever asks next", async () => {
  const { looks, room } = setup();
  const failing = room();
  looks[0]?.reject(new Error("no such folder"));
  await expect(failing).rejects.toThrow("no such folder");
  const next = room();
  looks[1]?.resolve(true);
  expect(await next).toBe(true);
});

it("a disk that was full is looked at again by whoever asks next", async () => {
  const { looks, room } = setup();
  const full = room();
  looks[0]?.resolve(false);
  expect(await full).toBe(false);
  const next = room();
  looks[1]?.resolve(true);
  expect(await next).toBe(true);
});

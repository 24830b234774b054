import { expect, it } from "vitest";

import type { BackupManifest } from "../maintenance/backup/manifest.ts";
import { describeBackup } from "./backup.ts";

const manifest: BackupManifest = {
  format: 1,
  createdAt: "2026-01-01T00:00:00Z",
  postgresVersion: "18",
  masterKeyCheck: "",
  hasMasterKey: true,
  migrations: [],
  tables: [],
  sequences: [],
  files: { count: 0, totalBytes: 0, list: { sizeBytes: 0, sha256: "" } },
  filesGone: [],
};

it("a backup in which not one file was found warns of the wrong store; deleted ones are counted, and otherwise nothing is said", () => {
  const said = (count: number, filesGone: readonly string[]) =>
    describeBackup("/b", { ...manifest, files: { ...manifest.files, count }, filesGone: [...filesGone] });
  expect(said(0, ["a", "b"])).toMatch(/WARNING: not one of the 2 files/);
  expect(said(3, ["a"])).toMatch(/^1 files were deleted/m);
  expect(said(3, [])).not.toMatch(/WARNING|deleted/);
});

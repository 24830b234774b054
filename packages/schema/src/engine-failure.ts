// What the code of an engine's `failed` means for its task, shared by engines and workers.

/** A full disk where the engine writes: no fault of the run or the engine. */
export const diskFullCode = "DISK_FULL";

/** Something that the engine did not foresee (an error of a file, of memory): another try may well succeed. */
export const unexpectedCode = "ENGINE_FAILED";

/** More requests wait than the engine keeps: another try finds room. */
export const busyCode = "ENGINE_BUSY";

/** The code for an error that is no refusal of the run. */
export function failureCodeOf(error: unknown): typeof diskFullCode | typeof unexpectedCode {
  return isDiskFull(error) ? diskFullCode : unexpectedCode;
}

/** True where a run is not refused for what it asks: the same run may succeed when it is tried again. */
export function mayPass(code: string): boolean {
  return code === unexpectedCode || code === busyCode;
}

/** An error of the file system that says that a disk or a quota is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

// What a check of the doctor says, and how a list of them is shown.

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly status: "ok" | "warning" | "failed";
  /** What was found, one sentence. */
  readonly detail: string;
  /** What to do; empty when all is well. */
  readonly remedy: string;
}

export function ok(check: string, detail: string): Finding {
  return { check, status: "ok", detail, remedy: "" };
}

export function warning(check: string, detail: string, remedy: string): Finding {
  return { check, status: "warning", detail, remedy };
}

export function failed(check: string, detail: string, remedy: string): Finding {
  return { check, status: "failed", detail, remedy };
}

/** One line each, what to do below it. */
export function describeFindings(findings: readonly Finding[]): string {
  const marks = { ok: "ok     ", warning: "warning", failed: "FAILED " } as const;
  const lines = findings.flatMap(({ check, status, detail, remedy }) => [
    `${marks[status]}  ${check}: ${detail}`,
    ...(remedy === "" ? [] : [`         -> ${remedy}`]),
  ]);
  return lines.join("\n");
}

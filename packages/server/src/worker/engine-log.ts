// What an engine writes during one run: kept for the task, and its errors told while the run goes on.

import { wellFormed } from "@atelier/schema/parse-value";

import { limits } from "../limits.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** Lines of stderr are told in bounded pieces at a bounded rate, the first at once; all are kept, up to a limit. */
export class EngineLog {
  readonly #tell: (text: string) => void;
  #output = "";
  #errors = "";
  #waiting = "";
  #told = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `tell`: takes the next piece of stderr. */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** Standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** Standard error so far. */
  get errors(): string {
    return this.#errors;
  }

  addOutput(line: string): void {
    if (hasRoom(this.#output)) this.#output += `${storable(line)}\n`;
  }

  addError(line: string): void {
    const isKept = hasRoom(this.#errors);
    if (!isKept && this.#told >= limits.errorReports) return;
    const text = storable(line);
    if (isKept) this.#errors += `${text}\n`;
    if (this.#waiting.length < limits.errorReportCharacters) this.#waiting += this.#waiting === "" ? text : `\n${text}`;
    if (this.#timer === undefined) this.flush();
  }

  /** Tells what waits, now. */
  flush(): void {
    const text = cut(this.#waiting, limits.errorReportCharacters);
    this.#waiting = "";
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (text === "" || this.#told >= limits.errorReports) return;
    this.#told += 1;
    this.#tell(text);
    this.#timer = setTimeout(() => this.flush(), limits.errorReportMs).unref();
  }

  /** Tells what waits, and nothing after it. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#told = limits.errorReports;
  }
}

function hasRoom(log: string): boolean {
  return log.length < limits.debugCharacters;
}

/** A longer text up to the last white space that it may have: what is cut in a word might be cut in a secret. */
function wholeWords(text: string): string {
  return text.length > limits.logReadCharacters ? text.slice(0, limits.logReadCharacters).replace(/(?<!\S)\S*$/, "") : text;
}

/** PostgreSQL's text holds no NUL character; a model's output may. */
function storable(text: string): string {
  // Hidden first, then cut: half a secret would not be known as one.
  return cut(withoutSecrets(wholeWords(text)), limits.logLineCharacters).replaceAll("\0", "\uFFFD");
}

/** PostgreSQL's JSON takes no half of a character that has two places, as an emoji has. */
function cut(text: string, characters: number): string {
  return wellFormed(text.slice(0, characters));
}

// Shows how far something is: one bar that redraws itself on a terminal, plain lines elsewhere.

export interface ProgressLine {
  /** `label`: what happens now. `done` of `total`, when that is known; `note`: a few words behind the bar. */
  show(state: ProgressState): void;
  /** Leaves the terminal on a fresh line. */
  end(): void;
}

export interface ProgressState {
  readonly label: string;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly note?: string | undefined;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const barCharacters = 28;
/** Lines in a log: one for each tenth. */
const plainSteps = 10;

export function openProgressLine(stream: ProgressStream): ProgressLine {
  return stream.isTTY ? new Bar(stream) : new PlainLines(stream);
}

class Bar implements ProgressLine {
  readonly #stream: ProgressStream;
  #shown = "";

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  show(state: ProgressState): void {
    const text = barText(state).slice(0, (this.#stream.columns || 80) - 1);
    if (text === this.#shown) return;
    this.#shown = text;
    // Back to the start of the line and erase it.
    this.#stream.write(`\r\u001b[2K${text}`);
  }

  end(): void {
    if (this.#shown !== "") this.#stream.write("\n");
    this.#shown = "";
  }
}

/** `drawing  ██████░░░░  12/20  1.2 s` */
export function barText({ label, done, total, note }: ProgressState): string {
  if (done === undefined || total === undefined || total <= 0) return [label, note].filter(Boolean).join("  ");
  const filled = Math.round((Math.min(done, total) / total) * barCharacters);
  const bar = "█".repeat(filled) + "░".repeat(barCharacters - filled);
  return [label, bar, `${done}/${total}`, note].filter(Boolean).join("  ");
}

class PlainLines implements ProgressLine {
  readonly #stream: ProgressStream;
  #last = "";

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  show({ label, done, total }: ProgressState): void {
    const tenths = done === undefined || !total ? "" : `${Math.floor((done / total) * plainSteps) * plainSteps} %`;
    const line = [label, tenths].filter(Boolean).join(" ");
    if (line === this.#last) return;
    this.#last = line;
    this.#stream.write(`${line}\n`);
  }

  end(): void {
    this.#last = "";
  }
}

// A reader of a task's event stream as browsers' EventSource is one: it keeps the last id and comes again with it.

export interface StreamedEvent {
  readonly id: number;
  readonly frame: Record<string, unknown>;
}

export interface Reading {
  readonly status: number;
  readonly events: StreamedEvent[];
  /** The whole text, comments included. */
  readonly text: string;
}

/** Reads until `most` events are here (then it hangs up) or the stream ends. */
export async function readEvents(
  url: string,
  token: string,
  options: { lastEventId?: number; query?: string; most?: number; signal?: AbortSignal } = {},
): Promise<Reading> {
  const leaving = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
  const headers = options.lastEventId === undefined ? {} : { "last-event-id": String(options.lastEventId) };
  const answer = await fetch(`${url}/v1/Task/Events/${token}${options.query ?? ""}`, { headers, signal });
  let text = "";
  const events: StreamedEvent[] = [];
  try {
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      events.splice(0, events.length, ...eventsIn(text));
      if (events.length >= (options.most ?? Infinity)) break;
    }
  } catch (error) {
    // A server that goes away breaks the stream off.
    if (!signal.aborted && !(error instanceof TypeError)) throw error;
  }
  leaving.abort();
  return { status: answer.status, events: events.slice(0, options.most), text };
}

/** The complete blocks that carry data. Source: HTML standard, "Interpreting an event stream". */
function eventsIn(text: string): StreamedEvent[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .flatMap((block) => {
      const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      const data = fields.get("data");
      // Our own server's data is one line of JSON.
      return data === undefined ? [] : [{ id: Number(fields.get("id")), frame: JSON.parse(data) as Record<string, unknown> }];
    });
}

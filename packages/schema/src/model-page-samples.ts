// Programs that run a model and print the addresses of its pictures, in three languages, complete as they stand.

import type { Manifest } from "./manifest.ts";
import { sampleInput } from "./model-page-commands.ts";
import { modelPath } from "./model-page-path.ts";

export interface CodeSample {
  readonly language: "Shell" | "JavaScript" | "Python";
  /** What must be there to run it. */
  readonly needs: string;
  readonly code: string;
}

/** `api`: base of the REST API, `https://…/v1`. All three read the key and the secret from the environment. */
export function codeSamples(manifest: Manifest, api: string): CodeSample[] {
  const path = `/Run/${modelPath(manifest)}`;
  // JSON of text, numbers and lists means the same in JavaScript and in Python.
  const input = JSON.stringify(sampleInput(manifest), null, 2);
  return [
    { language: "Shell", needs: "curl, openssl", code: shell({ api, path, input }) },
    { language: "JavaScript", needs: "Node 18 or later", code: javaScript({ api, path, input }) },
    { language: "Python", needs: "Python 3.8 or later", code: python({ api, path, input }) },
  ];
}

interface Parts {
  readonly api: string;
  readonly path: string;
  readonly input: string;
}

function shell({ api, path, input }: Parts): string {
  return `# Once: export YOUR_API_KEY="..." YOUR_API_SECRET="..."
NONCE=$(date +%s)
SIGNATURE="$(printf '%s' "$YOUR_API_SECRET$NONCE" | openssl dgst -sha256 -hmac "$YOUR_API_KEY")"

post() {
  curl -sS -X POST "${api}$1" -H "Content-Type: application/json" \\
    -H "x-api-key: $YOUR_API_KEY" -H "x-nonce: $NONCE" -H "x-signature: $SIGNATURE" -d "$2"
}

ANSWER=$(post "${path}" '${input.replaceAll("'", `'\\''`)}')
TASK_ID=$(printf '%s' "$ANSWER" | sed -n 's/.*"taskid":"\\([0-9]*\\)".*/\\1/p')
[ -n "$TASK_ID" ] || { echo "$ANSWER" >&2; exit 1; }

until post /Task/Detail "{ \\"taskid\\": \\"$TASK_ID\\" }" > task.json \\
  && grep -Eq '"status":"task_(postprocess_end|cancel)"' task.json; do sleep 2; done
grep -o '"url":"[^"]*"' task.json | cut -d '"' -f 4`;
}

function javaScript({ api, path, input }: Parts): string {
  return `import { createHmac } from "node:crypto";

const key = process.env.YOUR_API_KEY;
const secret = process.env.YOUR_API_SECRET;

async function post(path, body) {
  const nonce = String(Date.now());
  const response = await fetch("${api}" + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": key,
      "x-nonce": nonce,
      "x-signature": createHmac("sha256", key).update(secret + nonce).digest("hex"),
    },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.result) throw new Error(answer.errors[0].message);
  return answer;
}

const { taskid } = await post("${path}", ${input});

let task;
do {
  await new Promise((resolve) => setTimeout(resolve, 2000));
  [task] = (await post("/Task/Detail", { taskid })).tasklist;
} while (!["task_postprocess_end", "task_cancel"].includes(task.status));

if (task.pexit !== "0") throw new Error(task.debugerror || task.status);
for (const output of task.outputs) console.log(output.url);`;
}

function python({ api, path, input }: Parts): string {
  return `import hashlib, hmac, json, os, time, urllib.request

key = os.environ["YOUR_API_KEY"]
secret = os.environ["YOUR_API_SECRET"]


def post(path, body):
    nonce = str(time.time_ns())
    signature = hmac.new(key.encode(), (secret + nonce).encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        "${api}" + path,
        data=json.dumps(body).encode(),
        headers={
            "content-type": "application/json",
            "x-api-key": key,
            "x-nonce": nonce,
            "x-signature": signature,
        },
    )
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    if not answer["result"]:
        raise RuntimeError(answer["errors"][0]["message"])
    return answer


taskid = post("${path}", ${input})["taskid"]

while True:
    time.sleep(2)
    task = post("/Task/Detail", {"taskid": taskid})["tasklist"][0]
    if task["status"] in ("task_postprocess_end", "task_cancel"):
        break

if task["pexit"] != "0":
    raise RuntimeError(task["debugerror"] or task["status"])
for output in task["outputs"]:
    print(output["url"])`;
}

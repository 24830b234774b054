// Every route of the server, and what of another project a request to it could name. A new route is added here
// (docs/security.md, "Isolation"); the suite fails until it is.

/** What a project has that others must not learn about, or what nobody has. */
export interface Things {
  readonly projectid: string;
  readonly taskid: string;
  readonly token: string;
  readonly deliveryid: string;
  readonly folderid: string;
}

export interface PrivateRoute {
  /** Bodies that name these things, one for each way to name them. */
  readonly bodies: (things: Things) => readonly Readonly<Record<string, unknown>>[];
  /** Sent as a form with a file in it. */
  readonly withFile?: true;
  /** The path, where it is not the route's own. */
  readonly path?: string;
  /** Signed by the owner, these bodies are answered otherwise than those that name nothing: the proof that the suite can fail.
   *  Absent: they are. A text: why they are not. */
  readonly sameForOwner?: string;
}

const byIdentifier = ({ taskid, token }: Things) => [
  { taskid },
  { taskid: Number(taskid) },
  { tasktoken: token },
  { socketaccesstoken: token },
  { taskid, tasktoken: token },
];

const byDelivery = ({ deliveryid }: Things) => [{ deliveryid }, { deliveryid: [deliveryid] }];

/** Every tool that takes a name of a task, and a run on another project's account. */
function byTool({ projectid, taskid, token }: Things) {
  const call = (name: string, given: object) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: given } });
  const tools = ["get_task", "get_task_price", "wait_for_task", "cancel_task", "kill_task"];
  const run = call("run_model", { model: "atelier/starter", params: { prompt: "moon", projectid }, wait: false });
  return [...tools.flatMap((name) => [call(name, { taskid }), call(name, { tasktoken: token })]), run];
}

/** Everything that is answered to the holder of a key. */
export const privateRoutes: Readonly<Record<string, PrivateRoute>> = {
  "POST /v1/Task/Detail": { bodies: (things) => [...byIdentifier(things), { taskid: things.taskid, progress: true }] },
  "POST /v1/Task/Cancel": { bodies: byIdentifier },
  "POST /v1/Task/Kill": { bodies: byIdentifier },
  "POST /v1/Task/InputOutputDelete": { bodies: byIdentifier },
  "POST /v1/Task/List": {
    bodies: ({ projectid }) => [{ projectid }, { projectid, limit: "100", order: "ASC" }],
    sameForOwner: "whose tasks are listed is told by the key alone",
  },
  "POST /v1/Run/{owner}/{model}": { path: "/v1/Run/atelier/starter", bodies: ({ projectid }) => [{ prompt: "moon", projectid }] },
  "POST /v1/Run/{owner}/{model}/sync": {
    path: "/v1/Run/atelier/starter/sync",
    bodies: ({ projectid }) => [{ prompt: "moon", projectid }],
    sameForOwner: "the owner's run would be held until its end; it is refused by the code of Run",
  },
  "POST /v1/File/Upload": { withFile: true, bodies: ({ folderid }) => [{ folderid }, { folderId: folderid }] },
  "POST /v1/File/FolderCreate": {
    bodies: ({ folderid }) => [{ name: "mine", parentid: folderid }, { name: "mine", parentId: folderid }],
  },
  "POST /v1/Delivery/List": {
    bodies: ({ projectid, taskid }) => [{ projectid }, { taskid }],
    sameForOwner: "whose deliveries are listed is told by the key alone",
  },
  "POST /mcp": { bodies: byTool },
  "POST /v1/Delivery/Detail": { bodies: byDelivery },
  "POST /v1/Delivery/Redeliver": { bodies: byDelivery },
};

/** What anybody is answered, and why that shows nothing of a project. */
export const publicRoutes: Readonly<Record<string, string>> = {
  "GET /": "the models of the server",
  "GET /models": "the models of the server",
  "GET /llms.txt": "the models of the server",
  "GET /models/{owner}/{model}": "a model of the server; statistics are sums over all projects",
  "GET /models/{owner}/{model}/llms.txt": "a model of the server",
  "GET /models/{owner}/{model}/llms-full.txt": "a model of the server",
  "GET /tools/{owner}/{model}/llms-full.txt": "a model of the server",
  "POST /v1/Tool/List": "the models of the server",
  "POST /v1/Tool/Detail": "a model of the server",
  "POST /v1/Tool/Explore": "the models of the server",
  "GET /uploads/models/{file}": "covers of the models",
  "GET /uploads/samples/{file}": "sample pictures of the models",
  "GET /v1/File/{key}/{name}": "the access key is the permission: 178 random bits, told to the owner alone",
  "GET /outputs/{folder}/{name}": "the address is the permission: 256 random bits, told to the owner alone",
  "GET /healthz": "whether the process lives",
  "GET /readyz": "whether requests are answered and tasks taken, and how many models there are",
  "GET /mcp": "always that there is no stream",
  "GET /openapi.json": "the document of the routes",
  "GET /v1/Task/Events/{tasktoken}": "the task's token is the permission: 178 random bits, told to the owner alone; tested below",
  "GET /v1": "the socket: the task's token is the permission; tested below",
};

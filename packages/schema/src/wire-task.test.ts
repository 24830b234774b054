import { describe, expect, it } from "vitest";

import { wireTask } from "./wire-task.ts";
import type { WireContext, WireTaskSource } from "./wire-task.ts";

const at = (seconds: number, milliseconds = 0): Date => new Date(seconds * 1000 + milliseconds);

const finished: WireTaskSource = {
  id: "2221",
  projectId: "699",
  projectUuid: "15bce51f-442f-4f44-a71d-13c6374a62bd",
  token: "eDcCm5yyUfIvMFspTwww49OUfgXkQt",
  model: "arsmachina/baroque-space-opera-v1",
  modelId: "598",
  status: "task_postprocess_end",
  parameters: { prompt: "Sci-Fi Baroque Couture Pulp, Portrait", scale: "7.5" },
  callbackUrl: "",
  cps: "0.000585",
  elapsedSeconds: "6",
  totalCost: "0.00351",
  pexit: "0",
  debugOutput: "",
  debugError: "",
  outputFolderId: "6c1833f39da71e6175bf292b18779baf",
  times: {
    created: at(1734513807),
    accepted: at(1734513807, 200),
    preprocessStarted: at(1734513807, 300),
    preprocessEnded: at(1734513807, 400),
    assigned: at(1734513807, 999),
    started: at(1734513809),
    ended: at(1734513813, 200),
    postprocessStarted: at(1734513813, 300),
    postprocessEnded: at(1734513814),
    cancelled: null,
  },
  outputs: [
    {
      id: "6bc392c93856dfce3a7d1b4261e15af3",
      name: "0.png",
      contentType: "image/png",
      sizeBytes: 202472,
      accessKey: "dFKlMApaSgMeHKsJyaDeKrefcHahUK",
      fileKey: "6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2/0.png",
      addedAt: at(1734513812),
    },
  ],
};

const context: WireContext = {
  model: { description: "Baroque Space Opera v1", categories: ["model", "text-to-image"] },
  outputUrl: (fileKey) => `https://pictures.example/outputs/${fileKey}`,
};

describe("wireTask", () => {
  it("says when outputs that are kept for so many days are removed, counted from the end of their task", () => {
    const [output] = wireTask(finished, { ...context, outputDays: 1.5 }).outputs;
    expect(output?.expiretime).toBe(String(1734513814 + 129_600));
  });

  it("writes every field of a finished task in the form of the contract", () => {
    expect(wireTask(finished, context)).toEqual({
      id: "2221",
      uuid: "15bce51f-442f-4f44-a71d-13c6374a62bd",
      name: "",
      socketaccesstoken: "eDcCm5yyUfIvMFspTwww49OUfgXkQt",
      parameters: { prompt: "Sci-Fi Baroque Couture Pulp, Portrait", scale: "7.5" },
      debugoutput: "",
      debugerror: "",
      starttime: "1734513809",
      endtime: "1734513813",
      elapsedseconds: "6.0000",
      status: "task_postprocess_end",
      cps: "0.000585000000",
      totalcost: "0.003510000000",
      guestid: null,
      projectid: "699",
      modelid: "598",
      description: "",
      basemodelid: "0",
      runtype: "model",
      modelfolderid: "",
      modelfileid: "",
      callbackurl: "",
      marketplaceid: null,
      createtime: "1734513807",
      canceltime: "0",
      assigntime: "1734513807",
      accepttime: "1734513807",
      preprocessstarttime: "1734513807",
      preprocessendtime: "1734513807",
      postprocessstarttime: "1734513813",
      postprocessendtime: "1734513814",
      pexit: "0",
      categories: '["model","text-to-image"]',
      modeldescription: "Baroque Space Opera v1",
      modelslugowner: "arsmachina",
      modelslugproject: "baroque-space-opera-v1",
      outputfolderid: "6c1833f39da71e6175bf292b18779baf",
      outputs: [
        {
          id: "6bc392c93856dfce3a7d1b4261e15af3",
          name: "0.png",
          contenttype: "image/png",
          parentid: "6c1833f39da71e6175bf292b18779baf",
          uuid: "15bce51f-442f-4f44-a71d-13c6374a62bd",
          size: "202472",
          addedtime: "1734513812",
          modifiedtime: "1734513812",
          accesskey: "dFKlMApaSgMeHKsJyaDeKrefcHahUK",
          foldercount: "0",
          filecount: "0",
          ispublic: 0,
          expiretime: null,
          url: "https://pictures.example/outputs/6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2/0.png",
        },
      ],
      size: "202472",
    });
  });

  it("writes a waiting task with \"0\" for every moment that has not come, and no outputs", () => {
    const waiting: WireTaskSource = {
      ...finished,
      status: "task_queue",
      elapsedSeconds: "0",
      totalCost: "0",
      pexit: null,
      outputs: [],
      times: {
        ...finished.times,
        accepted: null,
        preprocessStarted: null,
        preprocessEnded: null,
        assigned: null,
        started: null,
        ended: null,
        postprocessStarted: null,
        postprocessEnded: null,
      },
    };
    expect(wireTask(waiting, context)).toMatchObject({
      createtime: "1734513807",
      accepttime: "0",
      starttime: "0",
      endtime: "0",
      elapsedseconds: "0.0000",
      totalcost: "0",
      pexit: "",
      outputs: [],
      size: "0",
    });
  });

  it("still shows a task whose model is no longer served", () => {
    expect(wireTask(finished, { ...context, model: undefined })).toMatchObject({
      categories: "[]",
      modeldescription: "",
      modelslugproject: "baroque-space-opera-v1",
    });
  });

  it("adds up the sizes of several outputs", () => {
    const [output] = finished.outputs;
    const two = { ...finished, outputs: [output, output].filter((one) => one !== undefined) };
    expect(wireTask(two, context).size).toBe("404944");
  });
});

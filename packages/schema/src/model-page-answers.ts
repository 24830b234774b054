// The sample answers of the generated model pages: ids, times and costs that are the same on every page, in the page's own
// layout (docs/wire-contract.md, "Model pages"). Text of the protocol: programs and people have read it in this form.

export const sampleTask = { id: "2221", token: "eDcCm5yyUfIvMFspTwww49OUfgXkQt" };
export const sampleKilledTask = { id: "534574", token: "ZpYote30on42O4jjHXNiKmrWAZqbRE" };
export const sampleCancelledTask = { id: "634574", token: "ZpYote30on42O4jjHXNiKmrWAZqbRE" };

/** Where the samples' addresses point to, without a trailing slash. */
export interface SampleAddresses {
  /** Base of the REST API, `https://…/v1`. */
  readonly api: string;
  /** Folder of the outputs. */
  readonly outputs: string;
}

export const runAnswer = `{
    "errors": [],
    "taskid": "${sampleTask.id}",
    "socketaccesstoken": "${sampleTask.token}",
    "result": true
}`;

export function detailAnswer(addresses: SampleAddresses): string {
  return `{
  "total": "1",
  "errors": [],
  "tasklist": [
      {
          "id": "${sampleTask.id}",
          "uuid": "15bce51f-442f-4f44-a71d-13c6374a62bd",
          "socketaccesstoken": "${sampleTask.token}",
          "parameters": {},
          "debugoutput": "",
          "debugerror": "",
          "starttime": "1734513809",
          "endtime": "1734513813",
          "elapsedseconds": "6.0000",
          "status": "task_postprocess_end",
${lastTimes}
          "outputs": [
              {
${outputFields}
                  "url": "${outputUrl(addresses)}"
              }
          ],
          "size": "202472"
      }
  ],
  "result": true
}`;
}

/** Kill and Cancel answer with the task as it then is; the page shows both with the same sample values. */
export function endedAnswer(task: { id: string; token: string }, addresses: SampleAddresses): string {
  return `{
  "errors": [],
  "tasklist": [
      {
          "id": "${task.id}",
          "uuid": "15bce51f-442f-4f44-a71d-13c6374a62bd",
          "name": "",
          "socketaccesstoken": "${task.token}",
          "parameters": {
              "inputImage": "${addresses.api}/File/mCmUXgZLG1FNjjjwmbtPFr2LVJA112/inputImage-6060136.png"
          },
          "debugoutput": "",
          "debugerror": "",
          "starttime": "1734513809",
          "endtime": "1734513813",
          "elapsedseconds": "6.0000",
          "status": "task_cancel",
          "cps": "0.000585000000",
          "totalcost": "0.003510000000",
          "guestid": null,
          "projectid": "699",
          "modelid": "598",
          "description": "",
          "basemodelid": "0",
          "runtype": "model",
          "modelfolderid": "",
          "modelfileid": "",
          "callbackurl": "",
          "marketplaceid": null,
${lastTimes}
          "pexit": "0",
          "categories": "${categories}",
          "outputs": [
              {
${outputFields}
                  "foldercount": "0",
                  "filecount": "0",
                  "ispublic": 0,
                  "expiretime": null,
                  "url": "${outputUrl(addresses)}"
              }
          ],
          "size": "202472"
      }
  ],
  "result": true
}`;
}

/** The page prints this list with its inner quotes bare, which is no JSON; real answers escape them. */
const categories = `["tool","image-to-image","quick-showcase","compare-landscape"]`;

const lastTimes = `          "createtime": "1734513807",
          "canceltime": "0",
          "assigntime": "1734513807",
          "accepttime": "1734513807",
          "preprocessstarttime": "1734513807",
          "preprocessendtime": "1734513807",
          "postprocessstarttime": "1734513813",
          "postprocessendtime": "1734513814",`;

const outputFields = `                  "id": "6bc392c93856dfce3a7d1b4261e15af3",
                  "name": "0.png",
                  "contenttype": "image/png",
                  "parentid": "6c1833f39da71e6175bf292b18779baf",
                  "uuid": "15bce51f-442f-4f44-a71d-13c6374a62bd",
                  "size": "202472",
                  "addedtime": "1734513812",
                  "modifiedtime": "1734513812",
                  "accesskey": "dFKlMApaSgMeHKsJyaDeKrefcHahUK",`;

function outputUrl(addresses: SampleAddresses): string {
  return `${addresses.outputs}/6a6af820-c5050aee-40bd7b83-a2e186c6-7f61f7da-3894e49c-fc0eeb66-9b500fe2/0.png`;
}

// What went wrong between the command line and a server, in words for people.

import { OperatorError } from "../operator-error.ts";
import { sentence } from "../sentence.ts";
import { ApiRefusal } from "./api-client.ts";
import { ServerAway } from "./ask.ts";

/** The server's own words are the best explanation of a refusal. */
export function asCommandFailure(error: unknown): never {
  if (!(error instanceof ApiRefusal)) throw error;
  throw new OperatorError("COMMAND_FAILED", { problem: problemOf(error), remedy: remedyOf(error) }, { cause: error });
}

/** The same, of a task that was created: what happened to the connection, or to the server, has not happened to the task. */
export function asFailureToFollow(error: unknown, taskid: string): never {
  const isAway = error instanceof ServerAway;
  if (!isAway && !(error instanceof ApiRefusal && error.httpStatus >= 500)) throw error;
  const problem = isAway ? error.problem : problemOf(error);
  const remedy = `Task ${taskid} is safe: the server draws it, now or when it runs again, and keeps its pictures; Task/Detail has their addresses.`;
  throw new OperatorError("COMMAND_FAILED", { problem, remedy }, { cause: error });
}

function problemOf({ httpStatus, isAtelier, message }: ApiRefusal): string {
  if (httpStatus >= 500) return sentence(`The server is in trouble: ${message}`);
  return sentence(isAtelier ? `The server refused: ${message}` : message);
}

/** The contract's text for a model that is not there. */
const unknownModel = "slug-owner-project-not-exist";

function remedyOf({ httpStatus, isAtelier, message }: ApiRefusal): string {
  if (httpStatus >= 500) return "Your request is not the reason. Try again in a minute; the server's log says what happened to it.";
  if (!isAtelier) return "Check the address that --url or ATELIER_URL gives, and what stands before the server.";
  if (message.includes(unknownModel)) return "`atelier model list` names the models of the server on this machine, and its page / shows them.";
  if (httpStatus === 401) return "Check ATELIER_API_KEY and ATELIER_API_SECRET.";
  return "Correct the request; the model's page lists its inputs.";
}

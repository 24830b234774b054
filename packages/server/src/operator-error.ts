// An expected failure that the person who runs the server can act on. Printed at the console, never sent over the wire.

export const operatorErrorCodes = [
  "BACKUP_FAILED",
  "BACKUP_INVALID",
  "BACKUP_REFUSED",
  "CONFIG_INVALID",
  "DATA_FOLDER_LOCKED",
  "DATA_FOLDER_NEWER",
  "DATA_FOLDER_UNUSABLE",
  "DATABASE_NEWER",
  "DATABASE_UNFIT",
  "DATABASE_UNREACHABLE",
  "FILE_STORE_REFUSED",
  "FILE_STORE_UNREACHABLE",
  "MASTER_KEY_INVALID",
  "MIGRATION_ALTERED",
  "POSTGRES_MISSING",
  "POSTGRES_START_FAILED",
  "PORT_BUSY",
  "COMMAND_FAILED",
  "RESTORE_REFUSED",
] as const;

export type OperatorErrorCode = (typeof operatorErrorCodes)[number];

/** `problem`: what happened. `remedy`: what to do about it; both are whole sentences. */
export class OperatorError extends Error {
  readonly code: OperatorErrorCode;
  readonly problem: string;
  readonly remedy: string;

  constructor(code: OperatorErrorCode, text: { problem: string; remedy: string }, options?: ErrorOptions) {
    super(`${text.problem} ${text.remedy}`, options);
    this.name = "OperatorError";
    this.code = code;
    this.problem = text.problem;
    this.remedy = text.remedy;
  }
}

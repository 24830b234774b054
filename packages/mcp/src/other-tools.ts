// The tools beside models and tasks: taking in a file, and searching the documentation.

import { z } from "zod";

import { docsAnswer, fileAnswer } from "./answer-schemas.ts";
import { ApiFailure, fileSchema } from "./api.ts";
import { sizeOf } from "./plain-values.ts";
import { searchSections } from "./search-sections.ts";
import { readOnly, tool } from "./tool.ts";

export const uploadFile = tool({
  name: "upload_file",
  title: "Take in a file",
  description: "Takes the file at a public address into the project. The address that it answers can be given to any file parameter.",
  input: z.object({
    url: z.url().describe("Where the file is: http or https, public."),
    file_name: z.string().min(1).max(255).optional().describe("Its name; by default the one in the address."),
  }),
  answer: fileAnswer,
  hints: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  work: async ({ api }, { url, file_name }) => {
    const [file] = (await api.upload({ url, name: file_name }, z.object({ list: z.array(fileSchema) }))).list;
    if (!file) throw new ApiFailure("The server kept no file.");
    return { file: { id: file.id, name: file.name, mimeType: file.contenttype, sizeBytes: sizeOf(file.size), url: file.url } };
  },
});

export const searchDocs = tool({
  name: "search_docs",
  title: "Search the documentation",
  description: "Finds sections of this server's own documentation: its manual and the pages of its models.",
  input: z.object({ query: z.string().min(1).max(1000).describe("What to look for, in plain words.") }),
  answer: docsAnswer,
  hints: readOnly,
  work: async ({ docs, docsUrl }, { query }) => ({ query, matches: searchSections(await docs(), query), docsUrl }),
});

// From a prompt to the ids that the text encoder reads.

import { Tokenizer } from "@huggingface/tokenizers";

export interface TextRules {
  /** Longer prompts are cut off after this many tokens. */
  readonly maxTextTokens: number;
  /** Prompts are padded to a multiple of this many tokens. */
  readonly textTokenMultiple: number;
}

export interface PromptTokens {
  /** Padded with id 0. */
  readonly ids: readonly number[];
  /** How many of them are not padding. */
  readonly used: number;
}

const padId = 0;

/** A tokenizer from the contents of tokenizer.json and tokenizer_config.json. */
export function makeTokenizer(tokenizerJson: object, tokenizerConfig: object): Tokenizer {
  return new Tokenizer(tokenizerJson, tokenizerConfig);
}

/** Ids with the closing `</s>`, cut to `maxTextTokens` (a prompt that is cut loses it, as in training), then padded. */
export function promptTokens(tokenizer: Tokenizer, prompt: string, rules: TextRules): PromptTokens {
  const ids = tokenizer.encode(prompt).ids.slice(0, rules.maxTextTokens);
  const multiple = rules.textTokenMultiple;
  const length = Math.max(multiple, Math.ceil(ids.length / multiple) * multiple);
  return { ids: [...ids, ...Array.from({ length: length - ids.length }, () => padId)], used: ids.length };
}

/** Mean over the tokens that are not padding: [tokens, width] to [width]. */
export function pooledMean(states: Float32Array, ids: readonly number[]): Float32Array {
  const width = states.length / ids.length;
  const sum = new Float64Array(width);
  let kept = 0;
  for (const [token, id] of ids.entries()) {
    if (id === padId) continue;
    kept++;
    for (let i = 0; i < width; i++) sum[i] = sum[i]! + states[token * width + i]!; // within both
  }
  return Float32Array.from(sum, (value) => value / Math.max(1, kept));
}

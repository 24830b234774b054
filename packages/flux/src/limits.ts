// Every named upper bound of this package, each with its reason.

export const limits = Object.freeze({
  /** Latents a side of a preview: as much work for the decoder as the smallest pictures. */
  previewLatents: 32,
  /** A safetensors header: FLUX.1-dev's 780 tensors take 90 kB; the format itself allows 100 MB. */
  safetensorsHeaderBytes: 16 * 1024 * 1024,
  /** Tensors in one file: FLUX.1-dev has 780, its widest adapters about 3,000. */
  safetensorsTensors: 20_000,
  /** Dimensions of one tensor: convolutions have 4. */
  tensorDimensions: 8,
  /** One adapter: rank 128 on all of FLUX.1-dev takes 1.3 GB in float32. */
  adapterBytes: 2 * 1024 ** 3,
  /** Adapters used by one picture. */
  adaptersPerPicture: 16,
  /** Adapter matrices kept in memory per pipeline (least recently used go first). */
  adapterCacheBytes: 128 * 1024 * 1024,
  /** A config.json or scheduler_config.json. */
  configBytes: 1024 * 1024,
  /** A tokenizer.json: T5-XXL's is 2.4 MB. */
  tokenizerBytes: 64 * 1024 * 1024,
  /** Sampling steps of one picture. */
  steps: 1_000,
  /** Characters of a prompt: the longest text read is 512 tokens. */
  promptCharacters: 100_000,
  /** Pictures in one batch: activations of a full-size model grow with it. */
  batch: 16,
  /** A picture that the enlarger takes: 512 × 512 takes 32 MB for each of its layers; larger ones are only resampled. */
  enlargerInputPixels: 512 * 512,
  /** Either side of a picture asked for. */
  sidePixels: 8_192,
});

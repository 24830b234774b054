// The noise levels of FLUX's flow-matching sampler and its Euler step.
// Source: diffusers, pipeline_flux.py (calculate_shift) and scheduling_flow_match_euler_discrete.py.

export interface SchedulerConfig {
  /** Shift by `mu`, which grows with the picture (FLUX.1-dev), instead of by the constant `shift`. */
  readonly useDynamicShifting: boolean;
  readonly shift: number;
  readonly baseShift: number;
  readonly maxShift: number;
  readonly baseImageTokens: number;
  readonly maxImageTokens: number;
}

/** Sigmas of a run, `steps + 1` of them: from 1 down to the closing 0. `imageTokens`: packed latents of the picture. */
export function sampleSigmas(config: SchedulerConfig, steps: number, imageTokens: number): Float32Array {
  const shifted = config.useDynamicShifting
    ? timeShift(Math.exp(shiftMu(config, imageTokens)))
    : timeShift(config.shift);
  const sigmas = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) sigmas[i] = shifted(linearSigma(i, steps));
  return sigmas;
}

/** One Euler step in place: x + (next - sigma) · velocity. */
export function eulerStep(x: Float32Array, velocity: Float32Array, sigma: number, nextSigma: number): void {
  const change = Math.fround(nextSigma - sigma);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + Math.fround(change * velocity[i]!); // both have this length
}

/** What the picture will be, as far as this step can tell: x - sigma · velocity. `x` may be the first part of what was predicted. */
export function predictedLatents(x: Float32Array, velocity: Float32Array, sigma: number): Float32Array {
  return x.map((value, i) => value - sigma * velocity[i]!); // velocity is at least as long
}

/** `mu` of the time shift: linear in the number of image tokens. */
export function shiftMu(config: SchedulerConfig, imageTokens: number): number {
  const slope = (config.maxShift - config.baseShift) / (config.maxImageTokens - config.baseImageTokens);
  return imageTokens * slope + (config.baseShift - slope * config.baseImageTokens);
}

/** Evenly spaced from 1 to 1 / steps. */
function linearSigma(index: number, steps: number): number {
  return steps === 1 ? 1 : 1 + (index * (1 / steps - 1)) / (steps - 1);
}

/** f · s / (1 + (f - 1) · s): the exponential shift with f = e^mu, and the constant one with f = shift. */
function timeShift(factor: number): (sigma: number) => number {
  return (sigma) => (factor * sigma) / (1 + (factor - 1) * sigma);
}

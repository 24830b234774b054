/** The value that `part` (0 to 1) of the values do not exceed. */
export function percentile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

export const median = (values) => percentile(values, 0.5);

import type { Series } from "./columns.js";
import { shapesOf, type Form } from "./forms.js";
import { FIT_METRICS, type FitMetricName } from "./metrics.js";

/**
 * The form of a metric in FIT_METRICS, and where it breaks. Memory of a prompt that is read in segments grows with the
 * activations up to the segment's length, and beyond it with the cache alone: a kink, at a length that the rows say.
 * Without lengths on either side of it there is none to see.
 */
export function defaultShape(
  metric: FitMetricName,
  { prefill, segment_tokens: segment }: Series,
  lengths: readonly number[],
): { form: Form; at: number | null } {
  const { form, ...how } = FIT_METRICS[metric];
  const kinked: Form = "linear+kink";
  const hasKink =
    "kinksAtSegment" in how &&
    prefill === "chunked" &&
    segment !== undefined &&
    segment > Math.min(...lengths);
  return hasKink && shapesOf(kinked, [...new Set(lengths)], segment).length > 0
    ? { form: kinked, at: segment }
    : { form, at: null };
}

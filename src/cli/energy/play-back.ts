import type { OpenSensor, Sample, SampleSource } from "../../sensors/index.js";

/** The samples of a recording as if they were taken from now on, at their own pace. */
export async function playBack(
  recording: OpenSensor,
  clock = () => performance.now(),
): Promise<SampleSource> {
  const recorded: Sample[] = [];
  for await (const sample of recording) recorded.push(sample);
  const shiftMs = clock() - (recorded[0]?.at_ms ?? 0);
  const samples = recorded.map((sample) => ({ ...sample, at_ms: sample.at_ms + shiftMs }));
  return {
    since: (atMs) => {
      const now = clock();
      return samples.filter(({ at_ms }) => at_ms >= atMs && at_ms <= now);
    },
    close: () => Promise.resolve(),
  };
}

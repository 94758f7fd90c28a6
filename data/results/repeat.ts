import { diffCampaigns } from "../../src/analyze/index.js";
import { loadCampaign } from "../../src/record/index.js";
import { folderOf } from "./campaigns.js";

interface Compared {
  readonly metric: string;
  readonly ratio: number;
}

/** How far the medians of a second run, hours later and on another card, are from those of the first. */
export function repeatSentence(): string {
  const { numbers } = diffCampaigns(
    loadCampaign(folderOf("h200", "latency")),
    loadCampaign(folderOf("h200", "repeat")),
    { metrics: ["ttft_ms", "tpot_ms"] },
  );
  const compared = numbers.objects() as Compared[];
  const worst = (metric: string): string => {
    const off = compared.filter((one) => one.metric === metric).map(({ ratio }) => Math.abs(ratio - 1));
    return `${(100 * Math.max(...off)).toFixed(1)} %`;
  };
  return (
    `Ten of these cells were measured again on another H200, hours later (\`ssm-scope diff data/h200/latency data/h200/repeat\`): ` +
    `the medians differ by at most ${worst("ttft_ms")} in TTFT and ${worst("tpot_ms")} in TPOT.`
  );
}

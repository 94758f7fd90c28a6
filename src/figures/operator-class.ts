/**
 * Classes of operators in the order in which every figure stacks and lists them: the paper's and those of our own profiles, which
 * part its GEMM and SSM scan. The colours of the paper's first eight are Okabe and Ito's; `other` and the gap are greys
 * and `unclassified` brown, so that none is taken for the pale host time of another. All keep apart for readers with a colour
 * vision deficiency (a test holds them so).
 */
const CLASSES = [
  { op_class: "ssm_scan", label: "SSM scan", color: "#0072B2" },
  { op_class: "conv1d", label: "convolution", color: "#4838A8" },
  { op_class: "gemm", label: "GEMM", color: "#E69F00" },
  { op_class: "attention", label: "attention", color: "#B01878" },
  { op_class: "logits", label: "logits", color: "#787840" },
  { op_class: "normalization", label: "normalization", color: "#009E73" },
  { op_class: "arithmetic", label: "arithmetic", color: "#CC79A7" },
  { op_class: "memory", label: "memory", color: "#F0E442" },
  { op_class: "activation", label: "activation", color: "#56B4E9" },
  { op_class: "logit_computation", label: "softmax", color: "#D55E00" },
  { op_class: "embedding", label: "embedding", color: "#000000" },
  { op_class: "sampling", label: "sampling", color: "#90F890" },
  { op_class: "pooling", label: "pooling", color: "#8C6D31" },
  { op_class: "interpolation", label: "interpolation", color: "#332288" },
  { op_class: "roi", label: "region of interest", color: "#661100" },
  { op_class: "host_device_copy", label: "host-device copy", color: "#C000E8" },
  { op_class: "other", label: "other", color: "#C0C0C0" },
  { op_class: "launch_gap", label: "gap between operators", color: "#EDEDED" },
] as const;

export const UNCLASSIFIED = "unclassified";

export interface OperatorClass {
  readonly op_class: string;
  readonly label: string;
  readonly color: string;
}

/** For classes that we have no name for: they stand between the known ones and the unclassified. */
const SPARE = ["#44AA99", "#882255", "#999933", "#AA4499"] as const;

/** The classes among those named, in stacking order; a class that we do not know keeps its own name. */
export function classesOf(names: Iterable<string>): OperatorClass[] {
  const present = new Set(names);
  const known: readonly OperatorClass[] = CLASSES.filter(({ op_class }) => present.has(op_class));
  const others = [...present]
    .filter((name) => name !== UNCLASSIFIED && !CLASSES.some(({ op_class }) => op_class === name))
    .sort()
    .map((name, i) => ({ op_class: name, label: name, color: SPARE[i % SPARE.length]! }));
  const rest = { op_class: UNCLASSIFIED, label: UNCLASSIFIED, color: "#6B3E26" };
  return [...known, ...others, ...(present.has(UNCLASSIFIED) ? [rest] : [])];
}

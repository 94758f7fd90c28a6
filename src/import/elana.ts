/**
 * The log of ELANA (enyac-group/Elana, elana/profiler.py of December 2025): `elana MODEL --size --ttft --tpot --ttlt --energy`. Each part
 * of a run says its setting, then a mean over its repeats.
 */
import { UserError } from "../errors.js";
import type { Row } from "../record/index.js";
import type { Format } from "./format.js";

export const elana: Format = {
  name: "elana",
  detect: (text) => /Loading model from .+, model name: /.test(text) && text.includes(">>> Profiling "),
  parse: (text, file) => elanaRows(text.split("\n"), file),
};

interface Part {
  readonly name: "size" | "ttft" | "tpot" | "ttlt";
  row: Row;
}

const PARTS: Record<string, Part["name"]> = {
  "model size": "size",
  TTFT: "ttft",
  TPOT: "tpot",
  TTLT: "ttlt",
};
const PHASES = { size: "prefill", ttft: "prefill", tpot: "decode", ttlt: "both" } as const;

function elanaRows(lines: readonly string[], file: string): Row[] {
  const rows: Row[] = [];
  let run: Row = {};
  let part: Part | null = null;
  for (const [index, line] of lines.entries()) {
    const words = message(line);
    const where = (pattern: RegExp): string => `${file} line ${index + 1} column ${line.search(pattern) + 1}`;
    const number = (text: string | undefined): number => {
      const value = Number(text);
      if (text !== undefined && Number.isFinite(value)) return value;
      throw new UserError(
        `${where(/[^\s:(]+\s*(milliseconds|ms|J|GB)\b/)}: a number must stand here, found ${JSON.stringify(text)}.`,
      );
    };
    let match;
    if ((match = /Loading model from (.+), model name: (.+)$/.exec(words))) {
      const [, repository, name] = match;
      run = {
        ...run,
        model: name!,
        hf_id: repository!.includes("/") && !repository!.startsWith("/") ? repository! : null,
      };
    } else if ((match = /initialized with dtype=torch\.(\w+)/.exec(words)))
      run = { ...run, dtype: DTYPES[match[1]!] ?? match[1]! };
    else if ((match = /Using micro-batch size: (\d+)/.exec(words))) run = { ...run, batch: Number(match[1]) };
    else if (
      (match =
        />>> Profiling (model size|TTFT|TPOT|TTLT)(?:.* for (\d+) times)?(?:.*cache_graph: (\w+))?/.exec(
          words,
        ))
    ) {
      const name = PARTS[match[1]!]!;
      part = {
        name,
        row: {
          ...run,
          weights: "checkpoint",
          ep: "pytorch",
          phase: PHASES[name],
          prefill: "monolithic",
          logits: "all",
          method: `elana_${name}`,
          aggregated_samples: match[2] === undefined ? null : Number(match[2]),
          cuda_graph: match[3] === undefined ? null : match[3] === "True",
        },
      };
    } else if (part && (match = /\(batch_size, prompt_len\): \((\d+), (\d+)\)/.exec(words)))
      part.row = { ...part.row, batch: Number(match[1]), prompt_tokens: Number(match[2]) };
    else if (part && (match = /batch_size: (\d+), prompt_len: (\d+), gen_len: ?(\d+)/.exec(words)))
      part.row = {
        ...part.row,
        batch: Number(match[1]),
        prompt_tokens: Number(match[2]),
        new_tokens: Number(match[3]),
      };
    else if (part && (match = /Prefilling (\d+) tokens/.exec(words)))
      part.row = { ...part.row, prompt_tokens: Number(match[1]) };
    else if (part && (match = /Finished, latency: (\S+) (?:milliseconds|ms)\b/.exec(words)))
      rows.push({ kind: "latency", ...part.row, ...latency(part.name, number(match[1])) });
    else if (part && (match = /Total energy for all GPUs: (\S+) J \/ (?:prompt|token|request)/.exec(words)))
      rows.push({ kind: "energy", ...part.row, ...energy(part, number(match[1])) });
    else if (part && (match = /cache size: (\S+) GB \(batch size (\d+), prompt length (\d+)\)/.exec(words)))
      part.row = {
        ...part.row,
        kind: "memory",
        batch: Number(match[2]),
        prompt_tokens: Number(match[3]),
        kv_cache_bytes: bytes(number(match[1])),
      };
    else if (part?.name === "size" && (match = /model size: (\S+) GB/.exec(words)))
      rows.push({ ...part.row, kind: "memory", weights_bytes: bytes(number(match[1])), anomaly: ALL_CACHES });
  }
  return rows;
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

/** A line without colours, time, level and rank. */
const message = (line: string): string =>
  line
    .replace(COLOUR, "")
    .replace(/^.*?\[Rank \d+\] /, "")
    .trimEnd();

const DTYPES: Record<string, string> = { bfloat16: "bf16", float16: "fp16", float32: "fp32" };

function latency(part: Part["name"], ms: number): Row {
  if (part === "ttft") return { ttft_ms: ms };
  return part === "tpot" ? { tpot_ms: ms } : { e2e_ms: ms };
}

/** Mean power times the time of a repeat: of a prompt, a step of the whole batch, or a request. */
function energy({ name, row }: Part, joules: number): Row {
  return {
    energy_j: joules,
    energy_source: "nvml or jetson-stats power, all GPUs",
    ...(name === "tpot" && { new_tokens: 1, energy_per_token_j: joules / (row.batch ?? 1) }),
  };
}

/** It adds up every tensor of the cache. */
const ALL_CACHES = "kv_cache_bytes holds SSM and convolution states too";

/** ELANA's GB are 10^9 bytes. */
const bytes = (gigabytes: number): number => Math.round(gigabytes * 1e9);

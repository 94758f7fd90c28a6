/**
 * `query` over a campaign of a million rows as they are measured (1.5 GB of JSON lines, 54 columns): medians by model and
 * length, and columns of every row as an arquero table, from JSON lines and from the exported Parquet.
 *
 *     npm run bench:query -- [FOLDER]      # where the rows are made and kept; default: a folder that is removed
 */
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportRows, formatJsonLines, loadRows, query, tableToRows } from "../../src/record/index.js";

const ROWS = 1_000_000;
const BATCH = 1000;
const RUNS = 3;
const QUERIES = {
  "medians by model and length":
    "select model, prompt_tokens, count(*) as n, median(ttft_ms) as ttft_ms, median(tpot_ms) as tpot_ms from rows where status = 'ok' group by all",
  "4 columns of every row": "select model, prompt_tokens, repeat, ttft_ms from rows",
};

async function makeRows(file: string): Promise<void> {
  const measured = tableToRows(loadRows("data/amd-epyc-2-cores/quick"));
  const out = createWriteStream(file);
  for (let start = 0; start < ROWS; start += BATCH) {
    const rows = Array.from({ length: BATCH }, (_, i) => {
      const row = measured[(start + i) % measured.length]!;
      return { ...row, repeat: start + i, ttft_ms: row.ttft_ms! * (1 + ((start + i) % 997) / 10000) };
    });
    if (!out.write(formatJsonLines(rows))) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
}

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "query-"));
try {
  mkdirSync(folder, { recursive: true });
  const [jsonl, parquet] = [join(folder, "rows.jsonl"), join(folder, "rows.parquet")];
  if (!existsSync(jsonl)) await makeRows(jsonl);
  if (!existsSync(parquet)) await exportRows(jsonl, parquet);
  for (const [words, sql] of Object.entries(QUERIES))
    for (const file of [jsonl, parquet]) {
      const seconds: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const start = performance.now();
        await query(sql, file);
        seconds.push((performance.now() - start) / 1000);
      }
      const all = seconds.map((one) => one.toFixed(2)).join(", ");
      console.log(
        `${words}, ${file === jsonl ? "JSON lines" : "Parquet"}: ${Math.min(...seconds).toFixed(2)} s (${all})`,
      );
    }
} finally {
  if (process.argv[2] === undefined) rmSync(folder, { recursive: true });
}

import { table as fromColumns, type ColumnTable } from "arquero";
import { classTimes, UNEXPLAINED, type ProfileChoice } from "./class-times.js";
import type { FitScalingOptions } from "./fit-options.js";
import { fitWhatCanBe, isUnfit } from "./fit-scaling.js";
import { tableOf, type Rows } from "./rows.js";
import { seriesColumns } from "./columns.js";

/** Which profiles are fitted, and how. */
export type ClassScalingOptions = ProfileChoice & Pick<FitScalingOptions, "form" | "weighting">;

/**
 * How the time of each operator class grows with the prompt: a row for each series and class, with the fit of `fitScaling` to the
 * class's ms (by default a parabola, as the TTFT's, and of decoding a line): `a_ms`, `b_us_per_token` and `c_ns_per_token2` (null where the form has none), `exponent` where it is a power, `r2`,
 * and the class's share of the pass at the shortest and the longest length. A class that has no time at some length has no
 * fit, as has one with fewer lengths than the form needs; `note` says which. What times are, `classTimes` says.
 *
 * @throws UserError for what `explainCrossover` refuses of a profile
 */
export function classScaling(
  given: Rows,
  { form, weighting, ...choice }: ClassScalingOptions = {},
): ColumnTable {
  const rows = classTimes(tableOf(given), choice).flatMap(({ series, profiles }) => {
    const names = [...new Set(profiles.flatMap(({ classes }) => [...classes.keys()]))];
    return names
      .filter((name) => name !== UNEXPLAINED && profiles.some(({ classes }) => classes.get(name)! > 0))
      .map((op_class) => {
        const times = profiles.map((one) => ({ ...one, time: one.classes.get(op_class) ?? 0 }));
        const absent = times.filter(({ time }) => !(time > 0)).map(({ length }) => length);
        const [fit] =
          absent.length > 0
            ? []
            : fitWhatCanBe(
                times.map(({ length, time }) => ({ model: op_class, prompt_tokens: length, ttft_ms: time })),
                {
                  metric: "ttft_ms",
                  form: form ?? (choice.phase === "decode" ? "linear" : "quadratic"),
                  ...(weighting && { weighting }),
                },
              );
        const found = fit && !isUnfit(fit) ? fit : null;
        const share = ({ time, ms }: (typeof times)[number]): number => (100 * time) / ms;
        return {
          series,
          op_class,
          lengths: times.length,
          form: found?.form ?? null,
          a_ms: found?.coefficients.a ?? null,
          b_us_per_token: found && 1e3 * found.coefficients.b,
          c_ns_per_token2: found && 1e6 * found.coefficients.c,
          exponent: found?.exponent ?? null,
          r2: found?.r2 ?? null,
          share_shortest_pct: share(times[0]!),
          share_longest_pct: share(times.at(-1)!),
          note:
            absent.length > 0
              ? `no time at ${absent.join(", ")} tokens`
              : fit && isUnfit(fit)
                ? fit.problem
                : null,
        };
      });
  });
  const names = Object.keys(rows[0]!).filter((name) => name !== "series") as Exclude<
    keyof (typeof rows)[number],
    "series"
  >[];
  return fromColumns({
    ...seriesColumns(rows.map(({ series }) => series)),
    ...Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])),
  });
}

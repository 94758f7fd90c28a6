import { readFalconH1 } from "./config/falcon-h1.js";
import { readGatedDecoder } from "./config/gated-decoder.js";
import { readGptNeo } from "./config/gpt-neo.js";
import { readHymba } from "./config/hymba.js";
import { Keys, show } from "./config/keys.js";
import { fromMambaSsm } from "./config/mamba-ssm.js";
import { readMamba, readMamba2 } from "./config/mamba.js";
import { readZamba2 } from "./config/zamba2.js";
import { countParameters, type Family, type Model } from "./registry.js";
import { weightsOf } from "./tensors.js";

type Arch = Model["arch"];
type ConfigOf<A, M = Model> = M extends { arch: infer X; config: infer C }
  ? A extends X
    ? C
    : never
  : never;

/**
 * How a config.json of each architecture is read, by its model_type. Readers fill in the defaults of transformers'
 * configuration classes for all but sizes, which every published file has, and refuse what is not computed here.
 */
const ARCHITECTURES: { readonly [A in Arch]: { family: Family; read: (keys: Keys) => ConfigOf<A> } } = {
  gpt_neo: { family: "transformer", read: readGptNeo },
  qwen2: { family: "transformer", read: readGatedDecoder("qwen2") },
  llama: { family: "transformer", read: readGatedDecoder("llama") },
  phi3: { family: "transformer", read: readGatedDecoder("phi3") },
  mamba: { family: "ssm", read: readMamba },
  mamba2: { family: "ssm", read: readMamba2 },
  falcon_h1: { family: "hybrid", read: readFalconH1 },
  zamba2: { family: "hybrid", read: readZamba2 },
  hymba: { family: "hybrid", read: readHymba },
};

const supported = Object.keys(ARCHITECTURES);

/**
 * The model that a Hugging Face config.json describes, or state-spaces' own.
 *
 * @param json the parsed file
 * @param name default: after `_name_or_path`, or the model_type; lower case, words joined by hyphens
 * @throws UserError for what is no config, or one that this program would not compute as transformers does
 */
export function modelFromConfig(json: unknown, name?: string): Model {
  const given = new Keys(json);
  const original = given.value("model_type") === undefined && given.value("d_model") !== undefined;
  const keys = original ? new Keys(fromMambaSsm(given)) : given;
  if (!supported.includes(keys.text("model_type")))
    throw keys.wrong("model_type", `it must be one of ${supported.join(", ")}`);
  if (given.value("quantization_config") !== undefined)
    throw given.wrong("quantization_config", "a quantized checkpoint is not supported");
  const arch = keys.text("model_type") as Arch;
  const { family, read } = ARCHITECTURES[arch];
  const from = given.value("_name_or_path");
  const path = typeof from === "string" ? from : "";
  const model = {
    name: slug(name ?? path) || slug(arch),
    family,
    // Anything else is a folder of whoever saved it.
    hfId: /^[\w-][\w.-]*\/[\w.-]+$/.test(path) ? path : "",
    source: "config.json given by the user",
    arch,
    config: read(keys),
    parameters: 0,
  } as Model;
  return { ...model, parameters: countParameters(weightsOf(model)) };
}

/** A name as the registry's are: of a path, its last part. */
function slug(text: string): string {
  const last =
    text
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .at(-1) ?? "";
  return last
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^[-.]+|-+$/g, "");
}

/** The first hyper-parameter in which two models differ, as `key is a, not b`; null where they compute the same. */
export function differenceOf(a: Model, b: Model): string | null {
  if (a.arch !== b.arch) return `model_type is ${show(a.arch)}, not ${show(b.arch)}`;
  const [mine, other] = [effective(a), effective(b)];
  const key = [...new Set([...Object.keys(mine), ...Object.keys(other)])].find(
    (name) => !same(mine[name], other[name]),
  );
  return key === undefined ? null : `${key} is ${show(mine[key])}, not ${show(other[key])}`;
}

/** A config with all that it leaves open filled in, as its reader does. Those without the key have a tied head. */
function effective({ arch, config }: Model): Record<string, unknown> {
  const keys = new Keys({ tie_word_embeddings: true, ...config });
  return { ...ARCHITECTURES[arch].read(keys) };
}

/** Numbers that were computed in another order differ in their last digit. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number")
    return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) =>
    same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

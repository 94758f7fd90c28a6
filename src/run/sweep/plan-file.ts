import { UserError } from "../../errors.js";
import { closest, findModel, type Model } from "../../models/index.js";
import { areBuilt, type HasOperators } from "../operators.js";
import { plan, type Cell, type Settings } from "../plan.js";
import type { SweepOptions } from "../run.js";
import { CELL_KEYS, SWEEP_KEYS, type CellKey, type Kind, type SweepKey } from "./plan-keys.js";

/** A sweep as a plan describes it. */
export interface ExpandedPlan {
  /** Each cell once, in the order of the plan. */
  readonly cells: readonly Cell[];
  readonly options: SweepOptions;
}

/** Values of some keys as a plan's file or a command's flags give them, unchecked. */
export type Given = Readonly<Record<string, unknown>>;

/** A value, and where it was given, for the sentence that refuses it. */
interface Choice {
  readonly value: unknown;
  readonly path: string;
}

/** What each key may be; all of them are crossed. */
type Choices<K extends string> = Partial<Record<K, readonly Choice[]>>;

/** One cell before it is planned. */
type Combination = Partial<Record<CellKey, Choice>>;

/** Keys of the plan itself. */
const STRUCTURE = ["groups", "overrides", "exclude", "$schema", "description"];

/**
 * The cells of a plan. Its keys are those of `CELL_KEYS`, each a value or a list, all lists crossed, and of `SWEEP_KEYS`. With
 * `groups`, each group is a sweep of its own over what it says and, where it does not, what the plan says. `overrides` says for
 * a model's name what is different for it. `exclude` lists what is left out: cells that have one of the values of each key.
 *
 * UserError with the path of the value for a key or a value that makes no sense, or does not together with the others, and for
 * a plan without a cell.
 *
 * @param flags values of keys that count more than the plan's; their paths are those of the command line
 * @example
 * expandPlan({ models: ["qwen2.5-0.5b", "mamba2-780m"], promptTokens: "1K..64K*2", ep: "cuda", bisect: true });
 */
export function expandPlan(
  source: unknown,
  flags: Given = {},
  hasOperators: HasOperators = areBuilt,
): ExpandedPlan {
  const whole = objectAt(source, "the plan");
  const { groups, overrides = {}, exclude = [], ...rest } = whole;
  refuseUnknown(whole, "", [...CELL_NAMES, ...SWEEP_NAMES, ...STRUCTURE]);
  const top = read(rest, CELL_KEYS, at(""));
  const fromFlags = read(flags, CELL_KEYS, (key) => `--${kebab(key)}`);
  const sweep = { ...read(rest, SWEEP_KEYS, at("")), ...read(flags, SWEEP_KEYS, (key) => `--${kebab(key)}`) };
  const others = overridesOf(overrides);
  const excluded = listAt(exclude, "exclude").map((one, i) => excluding(one, `exclude[${i}]`));
  const built = remembered(hasOperators);

  const cells = new Map<string, Cell>();
  for (const group of groupsOf(groups)) {
    const given = { ...top, ...group, ...fromFlags };
    const models = given.models ?? fail('no models are given; name at least one, e.g. "mamba2-780m"');
    for (const model of models) {
      const { name } = modelAt(model);
      const mine = { ...top, ...group, ...others.get(name)?.choices, ...fromFlags, models: [model] };
      if (!mine.promptTokens)
        fail(
          `${model.path}: no promptTokens are given for ${name}; name at least one length, e.g. 512 or "1K..64K*2"`,
        );
      for (const combination of cross(mine)) {
        if (excluded.some(({ matches }) => matches(combination))) continue;
        const cell = planOne(combination, built);
        if (!cells.has(cell.key)) cells.set(cell.key, cell);
      }
      others.get(name)?.use();
    }
  }
  for (const { path, used } of [...others.values(), ...excluded])
    if (!used()) fail(`${path}: there is no such cell in the plan`);
  if (cells.size === 0) fail("exclude: it leaves no cell of the plan");
  refuseNamesakes([...cells.values()]);
  return { cells: [...cells.values()], options: optionsOf(sweep) };
}

const CELL_NAMES = Object.keys(CELL_KEYS) as CellKey[];
const SWEEP_NAMES = Object.keys(SWEEP_KEYS) as SweepKey[];

const at =
  (parent: string) =>
  (key: string): string =>
    parent === "" ? key : `${parent}.${key}`;

const kebab = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function fail(sentence: string): never {
  throw new UserError(sentence);
}

function objectAt(value: unknown, path: string): Given {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Given;
  return fail(`${path} is ${shown(value)}; it must be an object`);
}

const listAt = (value: unknown, path: string): readonly unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : fail(`${path} is ${shown(value)}; it must be a list`);

function shown(value: unknown): string {
  const text = (JSON.stringify(value) as string | undefined) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function refuseUnknown(given: Given, path: string, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const [near] = closest(unknown, known, 1);
  fail(
    `${at(path)(unknown)}: there is no such key${path === "" ? " in a plan" : " here"}; did you mean ${near}?`,
  );
}

/** The choices of the keys that are given, each value with its path. */
function read<K extends string>(
  given: Given,
  kinds: Readonly<Record<K, Kind>>,
  pathOf: (key: string) => string,
): Choices<K> {
  const choices: Choices<K> = {};
  for (const key of Object.keys(kinds) as K[])
    if (given[key] !== undefined) choices[key] = choicesOf(given[key], kinds[key], pathOf(key));
  return choices;
}

function choicesOf(value: unknown, kind: Kind, path: string): Choice[] {
  const entries = Array.isArray(value)
    ? (value as unknown[]).map((entry, i) => ({ entry, path: `${path}[${i}]` }))
    : [{ entry: value, path }];
  const choices = entries.flatMap(({ entry, path: where }) =>
    (typeof entry === "string" ? entry.split(",").map((part) => part.trim()) : [entry]).flatMap((one) => {
      const values = kind.read(one);
      if (values === null) return fail(`${where}: ${shown(one)} must be ${kind.words}`);
      if ("problem" in values) return fail(`${where}: ${shown(one)} ${values.problem}`);
      return values.map((each) => ({ value: each, path: where }));
    }),
  );
  if (choices.length === 0) fail(`${path}: the list is empty; it must hold ${kind.words}`);
  if (kind.single && choices.length > 1) fail(`${path}: there are ${choices.length} values; it must be one`);
  return choices;
}

function groupsOf(groups: unknown): Choices<CellKey>[] {
  if (groups === undefined) return [{}];
  const list = listAt(groups, "groups");
  if (list.length === 0) fail("groups: the list is empty; leave it out or name at least one");
  return list.map((one, i) => settingsAt(one, `groups[${i}]`));
}

/** Keys of cells; which GPU is for the whole plan, as rows of one campaign are of one. */
function settingsAt(value: unknown, path: string): Choices<CellKey> {
  const given = objectAt(value, path);
  refuseUnknown(
    given,
    path,
    CELL_NAMES.filter((key) => key !== "deviceId"),
  );
  return read(given, CELL_KEYS, at(path));
}

/** Something that must concern a cell, or it is a mistake. */
interface Concerning {
  readonly path: string;
  readonly used: () => boolean;
}

function overridesOf(
  overrides: unknown,
): Map<string, Concerning & { choices: Choices<CellKey>; use: () => void }> {
  const found = Object.entries(objectAt(overrides, "overrides")).map(([name, value]) => {
    const path = `overrides[${JSON.stringify(name)}]`;
    const { models, ...choices } = settingsAt(value, path);
    if (models) fail(`${path}.models: an override is of the one model that it names`);
    let used = false;
    const use = (): void => {
      used = true;
    };
    return [name, { path, choices, use, used: () => used }] as const;
  });
  return new Map(found);
}

function excluding(value: unknown, path: string): Concerning & { matches: (one: Combination) => boolean } {
  const wanted = Object.entries(settingsAt(value, path));
  if (wanted.length === 0) fail(`${path}: it names no key, so that it would exclude everything`);
  let used = false;
  const matches = (combination: Combination): boolean => {
    const all = wanted.every(([key, choices]) =>
      choices.some((choice) => choice.value === combination[key as CellKey]?.value),
    );
    used ||= all;
    return all;
  };
  return { path, matches, used: () => used };
}

function modelAt({ value, path }: Choice): Model {
  return withPath(path, () => (typeof value === "string" ? findModel(value) : (value as Model)));
}

/** Every combination of one choice a key, the last key fastest. */
function cross(choices: Choices<CellKey>): Combination[] {
  return CELL_NAMES.reduce<Combination[]>(
    (combinations, key) => {
      const mine = choices[key];
      if (!mine) return combinations;
      return combinations.flatMap((combination) => mine.map((choice) => ({ ...combination, [key]: choice })));
    },
    [{}],
  );
}

/** The cell of a combination. What does not go together is reported under the path of the value that could be given up. */
function planOne(combination: Combination, built: HasOperators): Cell {
  try {
    return plan(settingsOf(combination), built)[0]!;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${culprit(combination, built)}: ${error.message}`);
  }
}

function culprit(combination: Combination, built: HasOperators): string {
  const works = (change: Combination): boolean => {
    try {
      plan(settingsOf(change), built);
      return true;
    } catch {
      return false;
    }
  };
  const { models, promptTokens, ...optional } = combination;
  const given = Object.entries(combination);
  const spare = Object.keys(optional).reverse();
  const key = spare.find((one) => works(Object.fromEntries(given.filter(([other]) => other !== one))));
  if (key !== undefined) return combination[key as CellKey]!.path;
  const shortest = { value: 1, path: "" };
  return works({ ...combination, promptTokens: shortest }) ? promptTokens!.path : models!.path;
}

function settingsOf(combination: Combination): Settings {
  const { models, promptTokens, memory, ...others } = combination;
  const given = Object.entries(others).flatMap(([key, choice]) =>
    choice.value === undefined ? [] : [[key, choice.value] as const],
  );
  return {
    ...(Object.fromEntries(given) as Partial<Settings>),
    models: [models!.value as string | Model],
    promptTokens: [promptTokens!.value as number],
    ...(memory?.value !== undefined && { memoryBytes: memory.value as number }),
  };
}

function withPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${path}: ${error.message}`) : error;
  }
}

function refuseNamesakes(cells: readonly Cell[]): void {
  const models = new Map<string, string>();
  for (const { model } of cells) {
    const config = JSON.stringify(model.config);
    if ((models.get(model.name) ?? config) !== config)
      fail(`models: two are called ${model.name}; their rows could not be told apart: rename one`);
    models.set(model.name, config);
  }
}

function optionsOf(sweep: Choices<SweepKey>): SweepOptions {
  const value = (key: SweepKey): unknown => sweep[key]?.[0]?.value;
  const warmUp = Object.fromEntries(
    Object.entries({
      tolerance: value("warmUpTolerance"),
      blockRuns: value("warmUpBlock"),
      maxRuns: value("warmUpRuns"),
    }).filter(([, one]) => one !== undefined),
  );
  const options = {
    order: value("order"),
    orderSeed: value("orderSeed"),
    isolate: value("isolate"),
    timeoutS: value("timeout"),
    pauseS: value("pause"),
    coolToC: value("coolTo"),
    energy: value("energy"),
    bisect: value("bisect"),
    warmUp: Object.keys(warmUp).length > 0 ? warmUp : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, one]) => one !== undefined));
}

/** Whether operators are built is asked once a device: it takes milliseconds. */
function remembered(hasOperators: HasOperators): HasOperators {
  const known = new Map<string, boolean>();
  return (ep, deviceId) => {
    const key = `${ep} ${deviceId}`;
    const answer = known.get(key) ?? hasOperators(ep, deviceId);
    known.set(key, answer);
    return answer;
  };
}

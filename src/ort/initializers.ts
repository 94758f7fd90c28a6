import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { UserError } from "../errors.js";
import { DTYPES, dtypeOf } from "./dtype.js";
import { declaredInitializers, type DeclaredInitializer } from "./model-initializers.js";
import type { SessionOptions } from "./session-options.js";
import { suggest } from "./suggest.js";
import type { Tensor } from "./tensor.js";

const FOLDER_KEY = "session.model_external_initializers_file_folder_path";

/**
 * Calls `create` with options under which a model finds the weights that it declares as external data.
 *
 * ONNX Runtime wants every file of external data to exist, even when a tensor is given for each initializer in it. For
 * a model given as bytes, and no folder named in `config`, empty files therefore stand in while the session is created:
 * an initializer without a tensor is then an error, where a file with other contents would be read without a word.
 */
export function withInitializers<T>(
  options: SessionOptions,
  model: Uint8Array | string,
  create: (options: SessionOptions) => T,
): T {
  const { initializers, config } = options;
  if (!initializers?.size) return create(options);
  const declared = readDeclared(typeof model === "string" ? readFileSync(model) : model);
  if (!declared) return create(options);
  assertDeclared(initializers, declared);
  if (typeof model === "string" || config?.[FOLDER_KEY] !== undefined) return create(options);
  const files = filesToStandIn(initializers, declared);
  if (files.length === 0) return create(options);
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-"));
  try {
    for (const file of files) writeFileSync(join(folder, file), "");
    return create({ ...options, config: { ...config, [FOLDER_KEY]: folder } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Null for bytes that do not parse: ONNX Runtime says that better. */
function readDeclared(model: Uint8Array): Map<string, DeclaredInitializer> | null {
  try {
    return declaredInitializers(model);
  } catch {
    return null;
  }
}

function assertDeclared(
  initializers: ReadonlyMap<string, Tensor>,
  declared: ReadonlyMap<string, DeclaredInitializer>,
): void {
  for (const [name, tensor] of initializers) {
    const declaration = declared.get(name);
    if (!declaration)
      throw new UserError(`The model has no initializer "${name}"; ${suggest(name, [...declared.keys()])}.`);
    const { code, shape } = declaration;
    const given = tensor.shape.join(", ");
    if (DTYPES[tensor.dtype].code !== code || given !== shape.join(", "))
      throw new UserError(
        `Initializer "${name}" is ${dtypeOf(code) ?? `of type ${code}`} [${shape.join(", ")}] in the model; ` +
          `a tensor of ${tensor.dtype} [${given}] does not fit.`,
      );
  }
}

/** Names of the external files, none of which is needed as every initializer in them is given. */
function filesToStandIn(
  initializers: ReadonlyMap<string, Tensor>,
  declared: ReadonlyMap<string, DeclaredInitializer>,
): string[] {
  const external = [...declared].filter(([, { file }]) => file !== null);
  const missing = external.map(([name]) => name).filter((name) => !initializers.has(name));
  if (missing.length > 0)
    throw new UserError(
      `The weights of ${missing.length} initializers are external data, but no tensor is given for them: ` +
        `${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", ..." : ""}. ` +
        `Give them, or name the folder of their file in config["${FOLDER_KEY}"].`,
    );
  const files = new Set(external.map(([, { file }]) => file!));
  // A path that leads elsewhere is ONNX Runtime's to refuse.
  return [...files].filter((file) => file === basename(file));
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "../../record/index.js";

/** Versions of the packages that the package in `folder` depends on, as installed; what is not installed is left out. */
export function packageVersions(folder = fileURLToPath(PACKAGE_ROOT)): Record<string, string> {
  const { dependencies = {} } = readPackage(join(folder, "package.json"));
  return Object.fromEntries(
    Object.keys(dependencies)
      .sort()
      .flatMap((name) => {
        const file = installed(folder, name);
        const version = file && readPackage(file).version;
        return version ? [[name, version]] : [];
      }),
  );
}

interface PackageFile {
  version?: string;
  dependencies?: Record<string, string>;
}

const readPackage = (file: string): PackageFile => JSON.parse(readFileSync(file, "utf8")) as PackageFile;

/** As Node looks for a package: in node_modules here and in every folder above. `require.resolve` would need its `exports`. */
function installed(folder: string, name: string): string | null {
  const file = join(folder, "node_modules", name, "package.json");
  if (existsSync(file)) return file;
  const above = dirname(folder);
  return above === folder ? null : installed(above, name);
}

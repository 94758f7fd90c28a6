import { join } from "node:path";
import { openDriver, type CudaDriver } from "../../ort/cuda/driver.js";
import { howToInstall, planLibraries, type LibraryPlan } from "../../ort/cuda/libraries.js";
import { assertCapability, assertDriver, findProvider } from "../../ort/cuda/open.js";
import { PROVIDER_FILES, providerFolder, type Provider } from "../../ort/cuda/provider.js";
import type { Runtime } from "../../ort/index.js";
import { finding, outcome, type Finding } from "./finding.js";

const ONLY_FOR_A_GPU = "only for an NVIDIA GPU: README.md, “On a GPU”";

/** What CUDA sessions need: driver, GPUs, provider, and the provider's libraries. */
export function cuda(runtime: Runtime | null): Finding[] {
  const driver = outcome(openDriver);
  const provider =
    runtime === null ? { problem: "no ONNX Runtime" } : outcome(() => findProvider(runtime.library));
  const opened = "value" in driver ? driver.value : null;
  const found = "value" in provider ? provider.value : null;
  return [
    ...driverFindings(driver, found?.cudaMajor ?? null),
    providerFinding(runtime, provider),
    ...libraryFindings(found, opened),
  ];
}

function driverFindings(driver: ReturnType<typeof outcome<CudaDriver>>, cudaMajor: number | null): Finding[] {
  const name = "NVIDIA driver";
  if ("problem" in driver) return [finding(name, null, driver.problem, ONLY_FOR_A_GPU)];
  const { version, path, devices } = driver.value;
  // What is found but of no use with the provider is not found.
  const problemOf = (check: (major: number) => void): string | null => {
    const checked =
      cudaMajor === null
        ? null
        : outcome(() => {
            check(cudaMajor);
          });
    return checked !== null && "problem" in checked ? checked.problem : null;
  };
  const tooOld = problemOf((major) => {
    assertDriver(version, major);
  });
  const gpus = devices.map((device) => {
    const { id, name: model, computeCapability, totalBytes, uuid } = device;
    const gib = (totalBytes / 2 ** 30).toFixed(1);
    const detail = `${model}, compute capability ${computeCapability}, ${gib} GiB${uuid ? `, ${uuid}` : ""}`;
    const unfit = problemOf((major) => {
      assertCapability(device, major);
    });
    return finding(`GPU ${id}`, unfit === null ? detail : null, unfit ?? "", ONLY_FOR_A_GPU);
  });
  const detail = tooOld === null ? `supports CUDA ${version} (${path})` : null;
  return [finding(name, detail, tooOld ?? "", "update the driver"), ...gpus];
}

function providerFinding(
  runtime: Runtime | null,
  provider: { value: ReturnType<typeof findProvider> } | { problem: string },
): Finding {
  const name = "CUDA execution provider";
  if ("problem" in provider) return finding(name, null, provider.problem, ONLY_FOR_A_GPU);
  const { provider: file, cudaMajor } = provider.value;
  const version = file.version ?? `version unknown, taken for ${runtime!.version}`;
  const path = join(providerFolder(runtime!.library), PROVIDER_FILES[0]);
  return finding(name, `${version}, for CUDA ${cudaMajor} (${path})`, "", "");
}

/** Each library of its own; without provider and driver there is nobody who would want them. */
function libraryFindings(
  found: { provider: Provider; cudaMajor: number } | null,
  driver: CudaDriver | null,
): Finding[] {
  if (found === null) {
    const why = driver === null ? "there is neither a driver nor a provider" : "there is no provider yet";
    return [finding("CUDA libraries", null, `not looked for, as ${why}`, ONLY_FOR_A_GPU)];
  }
  return describePlan(planLibraries(found.provider, found.cudaMajor));
}

export function describePlan({ libraries, lookedIn, cudaMajor }: LibraryPlan): Finding[] {
  return libraries.map(({ name, required, found: place }) => {
    const detail =
      place === null ? null : `${place.path} (${place.source}${place.byLoader ? "" : ", loaded for you"})`;
    const missing = `missing${required ? "" : ", which few operators need"}; looked in ${lookedIn.join(", ")}`;
    return finding(name, detail, missing, howToInstall([name], cudaMajor));
  });
}

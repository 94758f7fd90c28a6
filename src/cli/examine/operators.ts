import { openDriver } from "../../ort/cuda/driver.js";
import { findOperators } from "../../ort/ops/index.js";
import { finding, outcome, type Finding } from "./finding.js";

const BUILD = "run `ssm-scope ops build`: state-space models are faster with them";

/** The fused operators, as built for the CPU and each GPU. */
export function operators(): Finding[] {
  const driver = outcome(openDriver);
  const gpus = "value" in driver ? driver.value.devices : [];
  const cpu = findOperators({ ep: "cpu", cuda: null });
  return [
    finding("Fused operators, CPU", cpu, "not built", BUILD),
    ...(gpus.length === 0
      ? [
          finding(
            "Fused operators, CUDA",
            null,
            "not built, as there is no GPU",
            "only for an NVIDIA GPU: README.md, “On a GPU”",
          ),
        ]
      : gpus.map((cuda) =>
          finding(
            `Fused operators, GPU ${cuda.id}`,
            findOperators({ ep: "cuda", cuda }),
            `not built for compute capability ${cuda.computeCapability}`,
            BUILD,
          ),
        )),
  ];
}

export { estimateEnergy, type Energy, type IdleWindows, type Method, type Witness } from "./estimate.js";
export { counterEnergy, counterPower } from "./counter-energy.js";
export { powerEnergy, readPower } from "./integrated-power.js";
export type { Baseline, Estimate, Power, Unknown, TimeWindow } from "./window.js";
export {
  measureEnergy,
  measurePhases,
  type EnergyOptions,
  type Phase,
  type PhaseEnergy,
} from "./measure-energy.js";
export { gather, type SampleSource } from "./sample-source.js";
export { findEnergySource, type FoundSource, type Wanted } from "./find-source.js";

export { openCheckpoint, type Checkpoint, type CheckpointRef, type StoredTensor } from "./checkpoint.js";
export { matchTensors } from "./match.js";
export { CheckpointWeights } from "./weights.js";
export { assertSameConfig, readConfig } from "./config-file.js";
export { readSafetensorsFile, type SafetensorsFile } from "./file.js";
export { readTensors, type PlainTensor } from "./tensors.js";

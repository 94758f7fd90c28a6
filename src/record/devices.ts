/** What a device can do at most, by its maker. */
export interface DeviceSpec {
  /** How rows name the device, and no other of a like name. */
  readonly name: RegExp;
  readonly words: string;
  /** What CUDA finds there, which is less than what is sold; null where it is not known to us. */
  readonly memoryBytes: number | null;
  /** What is sold, in GB or GiB: makers do not tell the two apart. */
  readonly soldGb: number;
  /** Peak rate of the memory. */
  readonly bytesPerS: number;
  /** Peak rates of dense products: fp16 and bf16 on tensor cores that add in float32, fp32 without TF32. */
  readonly flopsPerS: { readonly fp16: number; readonly fp32: number };
  readonly source: string;
}

const MIB = 2 ** 20;

/** Devices of known limits: budgets can be named after them, and efficiency is a share of their peaks. */
export const DEVICES: Readonly<Record<string, DeviceSpec>> = {
  rtx4090: {
    // Neither the 4090 D nor the laptop's, which are slower.
    name: /rtx[ _]?4090(?![ _]?D\b)(?!.*laptop)/i,
    words: "RTX 4090",
    memoryBytes: 24564 * MIB,
    soldGb: 24,
    bytesPerS: 1008e9,
    flopsPerS: { fp16: 165.2e12, fp32: 82.6e12 },
    source:
      "GeForce RTX 4090, 24 GB: nvidia-smi's total; rates of the Ada GPU architecture whitepaper (the 330 TFLOP/s of the paper's table 1 add in float16)",
  },
  "orin-nano": {
    name: /orin[ _-]nano/i,
    words: "Jetson Orin Nano",
    memoryBytes: 7620 * MIB,
    soldGb: 8,
    bytesPerS: 68e9,
    flopsPerS: { fp16: 10e12, fp32: 1.28e12 },
    source:
      "Jetson Orin Nano 8 GB, shared with the CPU: tegrastats' total on JetPack 6; rates of its data sheet at 15 W (40 TOPS are sparse int8, a quarter of which is dense fp16; fp32: 1024 cores at 625 MHz)",
  },
  h200: {
    name: /\bH200\b/i,
    words: "H200",
    memoryBytes: null,
    soldGb: 141,
    bytesPerS: 4.8e12,
    flopsPerS: { fp16: 989.5e12, fp32: 67e12 },
    source: "H200 SXM: data sheet, without sparsity",
  },
};

/** The device that is called so here, or in rows; null for an unknown one. */
export function findDevice(name: string): DeviceSpec | null {
  if (Object.hasOwn(DEVICES, name)) return DEVICES[name]!;
  return Object.values(DEVICES).find((device) => device.name.test(name)) ?? null;
}

/** Whether a budget is the device's memory, as it is sold (in GB or GiB) or as CUDA finds it, to 1 %. */
export function isMemoryOf({ memoryBytes, soldGb }: DeviceSpec, bytes: number): boolean {
  const sizes = [memoryBytes ?? soldGb * 1e9, soldGb * 1e9, soldGb * 2 ** 30];
  return bytes >= 0.99 * Math.min(...sizes) && bytes <= 1.01 * Math.max(...sizes);
}

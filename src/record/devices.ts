/** What a device can do at most, by its maker. */
export interface DeviceSpec {
  /** How rows name the device. */
  readonly name: RegExp;
  /** What CUDA finds there, which is less than what is sold; null where it is not known to us. */
  readonly memoryBytes: number | null;
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
    name: /rtx ?4090/i,
    memoryBytes: 24564 * MIB,
    bytesPerS: 1008e9,
    flopsPerS: { fp16: 165.2e12, fp32: 82.6e12 },
    source:
      "GeForce RTX 4090, 24 GB: nvidia-smi's total; rates of the Ada GPU architecture whitepaper (the 330 TFLOP/s of the paper's table 1 add in float16)",
  },
  "orin-nano": {
    name: /orin[ _-]nano/i,
    memoryBytes: 7620 * MIB,
    bytesPerS: 68e9,
    flopsPerS: { fp16: 10e12, fp32: 1.28e12 },
    source:
      "Jetson Orin Nano 8 GB, shared with the CPU: tegrastats' total on JetPack 6; rates of its data sheet at 15 W (40 TOPS are sparse int8, a quarter of which is dense fp16; fp32: 1024 cores at 625 MHz)",
  },
  h200: {
    name: /\bH200\b/i,
    memoryBytes: null,
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

/** The recurrences of the fused operators, token by token in float64, as src/ort/ops/kernels.h states them. */

export const softplus = (x: number): number => (x > 20 ? x : Math.log1p(Math.exp(x)));
export const silu = (x: number): number => x / (1 + Math.exp(-x));

/** [batch, tokens, stride], read from `offset` on. */
export interface Packed {
  readonly values: Float32Array;
  readonly stride: number;
  readonly offset: number;
}

const at = ({ values, stride, offset }: Packed, row: number, channel: number): number =>
  values[row * stride + offset + channel]!;

interface Result {
  readonly y: Float64Array;
  readonly present: Float64Array;
}

export interface ConvInputs {
  readonly batch: number;
  readonly tokens: number;
  readonly channels: number;
  readonly width: number;
  readonly x: Packed;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly past: Float32Array;
}

export function convReference(inputs: ConvInputs): Result {
  const { batch, tokens, channels, width, x, weight, bias, past } = inputs;
  const y = new Float64Array(batch * tokens * channels);
  const present = new Float64Array(past.length);
  for (let n = 0; n < batch; n++)
    for (let ch = 0; ch < channels; ch++) {
      const kept = width - 1;
      const state = (n * channels + ch) * kept;
      const input = (t: number): number => (t < 0 ? past[state + kept + t]! : at(x, n * tokens + t, ch));
      for (let t = 0; t < tokens; t++) {
        let sum = bias[ch]!;
        for (let k = 0; k < width; k++) sum += weight[ch * width + k]! * input(t - kept + k);
        y[(n * tokens + t) * channels + ch] = silu(sum);
      }
      for (let k = 0; k < kept; k++) present[state + k] = input(tokens - kept + k);
    }
  return { y, present };
}

export interface ResidualInputs {
  readonly channels: number;
  readonly delta: Float32Array;
  readonly stream: Float32Array;
  readonly weight: Float32Array;
  readonly eps: number;
}

/** RMSNorm of the sum; `present` is the sum. */
export function residualReference({ channels, delta, stream, weight, eps }: ResidualInputs): Result {
  const present = Float64Array.from(stream, (value, i) => value + delta[i]!);
  const y = new Float64Array(present.length);
  for (let row = 0; row < present.length; row += channels) {
    const mean = present.subarray(row, row + channels).reduce((sum, value) => sum + value ** 2, 0) / channels;
    for (let ch = 0; ch < channels; ch++)
      y[row + ch] = (present[row + ch]! / Math.sqrt(mean + eps)) * weight[ch]!;
  }
  return { y, present };
}

interface LinearInputs {
  readonly inputs: number;
  readonly outputs: number;
  readonly x: Float32Array;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export function linearReference({ inputs, outputs, x, weight, bias }: LinearInputs): Result {
  const present = new Float64Array((x.length / inputs) * outputs);
  present.forEach((_, i) => {
    const [row, out] = [Math.floor(i / outputs), i % outputs];
    for (let k = 0; k < inputs; k++) present[i]! += x[row * inputs + k]! * weight[out * inputs + k]!;
  });
  return { y: present.map((sum, i) => sum + bias[i % outputs]!), present };
}

export interface ScanInputs {
  readonly batch: number;
  readonly tokens: number;
  readonly x: Packed;
  readonly step: Packed;
  readonly b: Packed;
  readonly c: Packed;
  readonly gate: Packed | null;
  readonly stepBias: Float32Array;
  readonly a: Float32Array;
  readonly skip: Float32Array;
  readonly past: Float32Array;
}

export function selectiveReference(inputs: ScanInputs, channels: number, state: number): Result {
  const { batch, tokens, x, step, b, c, gate, stepBias, a, skip, past } = inputs;
  const y = new Float64Array(batch * tokens * channels);
  const s = Float64Array.from(past);
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < tokens; t++)
      for (let ch = 0; ch < channels; ch++) {
        const row = n * tokens + t;
        const delta = softplus(at(step, row, ch) + stepBias[ch]!);
        let sum = skip[ch]! * at(x, row, ch);
        for (let k = 0; k < state; k++) {
          const i = (n * channels + ch) * state + k;
          s[i] = Math.exp(delta * a[ch * state + k]!) * s[i]! + delta * at(x, row, ch) * at(b, row, k);
          sum += at(c, row, k) * s[i];
        }
        y[row * channels + ch] = gate ? sum * silu(at(gate, row, ch)) : sum;
      }
  return { y, present: s };
}

export interface SsdShape {
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly state: number;
  readonly norm: { readonly weight: Float32Array; readonly eps: number; readonly beforeGate: boolean } | null;
}

export function ssdReference(inputs: ScanInputs, shape: SsdShape): Result {
  const { batch, tokens, x, step, b, c, gate, stepBias, a, skip, past } = inputs;
  const { heads, headDim, groups, state, norm } = shape;
  const inner = heads * headDim;
  const y = new Float64Array(batch * tokens * inner);
  const s = Float64Array.from(past);
  for (let n = 0; n < batch; n++)
    for (let t = 0; t < tokens; t++) {
      const row = n * tokens + t;
      const out = y.subarray(row * inner, (row + 1) * inner);
      for (let h = 0; h < heads; h++) {
        const delta = softplus(at(step, row, h) + stepBias[h]!);
        const decay = Math.exp(delta * a[h]!);
        const direction = Math.floor(h / (heads / groups)) * state;
        for (let p = 0; p < headDim; p++) {
          const ch = h * headDim + p;
          let sum = skip[h]! * at(x, row, ch);
          for (let k = 0; k < state; k++) {
            const i = ((n * heads + h) * state + k) * headDim + p;
            s[i] = decay * s[i]! + at(b, row, direction + k) * delta * at(x, row, ch);
            sum += at(c, row, direction + k) * s[i];
          }
          out[ch] = sum;
        }
      }
      const open = (): void => {
        if (gate) for (let i = 0; i < inner; i++) out[i]! *= silu(at(gate, row, i));
      };
      if (!norm?.beforeGate) open();
      if (norm)
        for (let g = 0; g < groups; g++) {
          const group = out.subarray((g * inner) / groups, ((g + 1) * inner) / groups);
          const mean = group.reduce((sum, value) => sum + value * value, 0) / group.length;
          group.forEach((value, i) => {
            group[i] = (value / Math.sqrt(mean + norm.eps)) * norm.weight[(g * inner) / groups + i]!;
          });
        }
      if (norm?.beforeGate) open();
    }
  return { y, present: s };
}

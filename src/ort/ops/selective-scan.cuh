#pragma once
#include "common.cuh"

namespace ssm {

// A thread carries the 16 states of OWN channels through a run of tokens: of all ways to share the work this has the
// fewest instructions beside the exponentials, which bind it; and b and c, read from shared memory by every thread, serve two
// channels at a time. Channels that lie side by side make a block; its tokens come in tiles, copied to shared memory while the
// tile before is computed.
constexpr int SCAN_STATE = 16;
constexpr int SCAN_THREADS = 64;
constexpr int OWN = 2;
constexpr int SCAN_CHANNELS = SCAN_THREADS * OWN;  // of a block
constexpr int SCAN_TOKENS = 8;                     // of a tile
constexpr int SCAN_BLOCKS = 8;                     // on a multiprocessor at once

template <typename T>
struct alignas(16) ScanTile {
  struct alignas(16) Raw {
    T x[SCAN_TOKENS][SCAN_CHANNELS], step[SCAN_TOKENS][SCAN_CHANNELS], gate[SCAN_TOKENS][SCAN_CHANNELS];
    T b[SCAN_TOKENS][SCAN_STATE], c[SCAN_TOKENS][SCAN_STATE];
  };
  Raw raw[2];
  float4 b[SCAN_TOKENS][SCAN_STATE / 4], c[SCAN_TOKENS][SCAN_STATE / 4];
};

// `inside` rows of WIDTH elements, of which `wide` are there; the others are zeros.
template <typename T, int WIDTH>
__device__ __forceinline__ void copy_rows(T (*to)[WIDTH], const T* from, int64_t stride, int inside, int wide) {
  constexpr int PER_COPY = 16 / sizeof(T), COPIES = WIDTH / PER_COPY;
#pragma unroll
  for (int i = threadIdx.x; i < SCAN_TOKENS * COPIES; i += SCAN_THREADS) {
    const int t = i / COPIES, at = i % COPIES * PER_COPY;
    const bool there = t < inside && at < wide;
    copy16(&to[t][at], there ? from + t * stride + at : from, there);
  }
}

// OUTPUT: the scan from the state before the run, with its outputs. Otherwise: what the run leaves of an empty state, and
// its sum of Δ, from which `carry_states` finds the state before each run.
template <typename T, bool OUTPUT>
__global__ void __launch_bounds__(SCAN_THREADS, SCAN_BLOCKS)
    selective_scan(SelectiveScan op, int64_t run, const float* before, float* after, float* delta_sums) {
  using Tile = ScanTile<T>;
  __shared__ Tile tile;
  const int64_t first = int64_t(blockIdx.x) * SCAN_CHANNELS, sequence = blockIdx.z, index = blockIdx.y;
  const int64_t start = index * run, row = sequence * op.tokens + start;
  const int tokens = int(min(op.tokens - start, run)), wide = int(min(op.channels - first, int64_t(SCAN_CHANNELS)));
  const int own = threadIdx.x * OWN;
  const bool real = own < wide;  // channels come in eights
  const int64_t channel = first + (real ? own : 0);
  const auto section = [&](const Section& s, int64_t at) { return static_cast<const T*>(s.data) + row * s.stride + at; };
  const T *x = section(op.x, first), *step = section(op.step, first), *b = section(op.b, 0);
  const T *c = OUTPUT ? section(op.c, 0) : nullptr, *gate = OUTPUT && op.gate.data ? section(op.gate, first) : nullptr;

  const auto fetch = [&](int at, int buffer) {
    typename Tile::Raw& raw = tile.raw[buffer];
    const int left = tokens - at;
    copy_rows(raw.x, x + at * op.x.stride, op.x.stride, left, wide);
    copy_rows(raw.step, step + at * op.step.stride, op.step.stride, left, wide);
    copy_rows(raw.b, b + at * op.b.stride, op.b.stride, left, SCAN_STATE);
    if (OUTPUT) copy_rows(raw.c, c + at * op.c.stride, op.c.stride, left, SCAN_STATE);
    if (gate) copy_rows(raw.gate, gate + at * op.gate.stride, op.gate.stride, left, wide);
    copies_commit();
  };

  float h[OWN][SCAN_STATE], a[OWN][SCAN_STATE], sum[OWN] = {}, bias[OWN], skip[OWN];
#pragma unroll
  for (int o = 0; o < OWN; o++) {
#pragma unroll
    for (int n = 0; n < SCAN_STATE; n++) {
      a[o][n] = op.a[(channel + o) * SCAN_STATE + n] * LOG2_E;
      h[o][n] = OUTPUT ? before[((index * op.batch + sequence) * op.channels + channel + o) * SCAN_STATE + n] : 0.f;
    }
    bias[o] = op.step_bias[channel + o];
    skip[o] = OUTPUT ? widen(static_cast<const T*>(op.skip)[channel + o]) : 0.f;
  }
  T* y = OUTPUT ? static_cast<T*>(op.y) + row * op.channels + channel : nullptr;

  fetch(0, 0);
  for (int at = 0, buffer = 0; at < tokens; at += SCAN_TOKENS, buffer ^= 1) {
    if (at + SCAN_TOKENS < tokens) {
      fetch(at + SCAN_TOKENS, buffer ^ 1);
      copies_wait<1>();
    } else
      copies_wait<0>();
    __syncthreads();
    const typename Tile::Raw& raw = tile.raw[buffer];
    for (int i = threadIdx.x; i < SCAN_TOKENS * SCAN_STATE; i += SCAN_THREADS) {
      const int t = i / SCAN_STATE, n = i % SCAN_STATE;
      reinterpret_cast<float*>(tile.b[t])[n] = widen(raw.b[t][n]);
      if (OUTPUT) reinterpret_cast<float*>(tile.c[t])[n] = widen(raw.c[t][n]);
    }
    __syncthreads();
    const int count = min(SCAN_TOKENS, tokens - at);
#pragma unroll 1
    for (int t = 0; t < count; t++) {
      const Pack<T, OWN> in = load<OWN>(&raw.x[t][own]), step_in = load<OWN>(&raw.step[t][own]);
      float delta[OWN], added[OWN], out[OWN];
#pragma unroll
      for (int o = 0; o < OWN; o++) {
        delta[o] = softplus(widen(step_in.v[o]) + bias[o]);
        added[o] = delta[o] * widen(in.v[o]);
        out[o] = skip[o] * widen(in.v[o]);
        if (!OUTPUT) sum[o] += delta[o];
      }
#pragma unroll
      for (int four = 0; four < SCAN_STATE / 4; four++) {
        const float4 into = tile.b[t][four], from = OUTPUT ? tile.c[t][four] : float4{};
        const float bs[4] = {into.x, into.y, into.z, into.w}, cs[4] = {from.x, from.y, from.z, from.w};
#pragma unroll
        for (int k = 0; k < 4; k++)
#pragma unroll
          for (int o = 0; o < OWN; o++) {
            float& state = h[o][four * 4 + k];
            state = fmaf(exp2_fast(delta[o] * a[o][four * 4 + k]), state, added[o] * bs[k]);
            if (OUTPUT) out[o] = fmaf(state, cs[k], out[o]);
          }
      }
      if (OUTPUT) {
        Pack<T, OWN> result;
        const Pack<T, OWN> z = gate ? load<OWN>(&raw.gate[t][own]) : in;
#pragma unroll
        for (int o = 0; o < OWN; o++) result.v[o] = narrow<T>(gate ? out[o] * silu(widen(z.v[o])) : out[o]);
        if (real) store(y + int64_t(at + t) * op.channels, result);
      }
    }
    __syncthreads();
  }

  if (!real || (OUTPUT && start + tokens != op.tokens)) return;
  const int64_t slot = OUTPUT ? sequence : index * op.batch + sequence;
#pragma unroll
  for (int o = 0; o < OWN; o++) {
    float4* to = reinterpret_cast<float4*>(after + (slot * op.channels + channel + o) * SCAN_STATE);
#pragma unroll
    for (int four = 0; four < SCAN_STATE / 4; four++)
      to[four] = {h[o][four * 4], h[o][four * 4 + 1], h[o][four * 4 + 2], h[o][four * 4 + 3]};
    if (!OUTPUT) delta_sums[slot * op.channels + channel + o] = sum[o];
  }
}

// In place: what each run leaves of an empty state becomes the state before it. Several runs' loads are in flight.
__global__ void __launch_bounds__(128) carry_states(SelectiveScan op, int runs, float* states, const float* delta_sums) {
  const int64_t rows = op.batch * op.channels, count = rows * SCAN_STATE;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int64_t row = i / SCAN_STATE;
  const float a = op.a[row % op.channels * SCAN_STATE + i % SCAN_STATE] * LOG2_E;
  float h = op.past[i];
  constexpr int AHEAD = 16;
  for (int base = 0; base < runs; base += AHEAD) {
    float left[AHEAD], deltas[AHEAD];
#pragma unroll
    for (int k = 0; k < AHEAD; k++)
      if (base + k < runs) {
        left[k] = states[(base + k) * count + i];
        deltas[k] = delta_sums[(base + k) * rows + row];
      }
#pragma unroll
    for (int k = 0; k < AHEAD; k++)
      if (base + k < runs) {
        states[(base + k) * count + i] = h;
        h = fmaf(exp2_fast(deltas[k] * a), h, left[k]);
      }
  }
}

// Any state size, any alignment: a thread a channel, its states in memory.
template <typename T>
__global__ void selective_scan_plain(SelectiveScan op) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= op.batch * op.channels) return;
  const int64_t channel = i % op.channels, row = i / op.channels * op.tokens;
  const auto at = [](const Section& s, int64_t token, int64_t k) {
    return widen(static_cast<const T*>(s.data)[token * s.stride + k]);
  };
  float* h = op.present + i * op.state;
  for (int64_t n = 0; n < op.state; n++) h[n] = op.past[i * op.state + n];
  for (int64_t t = row; t < row + op.tokens; t++) {
    const float x = at(op.x, t, channel), delta = softplus(at(op.step, t, channel) + op.step_bias[channel]);
    float y = widen(static_cast<const T*>(op.skip)[channel]) * x;
    for (int64_t n = 0; n < op.state; n++) {
      const float decay = exp2_fast(delta * op.a[channel * op.state + n] * LOG2_E);
      h[n] = fmaf(decay, h[n], delta * x * at(op.b, t, n));
      y = fmaf(h[n], at(op.c, t, n), y);
    }
    if (op.gate.data) y *= silu(at(op.gate, t, channel));
    static_cast<T*>(op.y)[t * op.channels + channel] = narrow<T>(y);
  }
}

// How many runs of tokens are scanned side by side: all but one cost their exponentials twice, but a multiprocessor needs
// many warps to hide what a token waits for.
inline int64_t scan_runs(const SelectiveScan& op, int64_t blocks, int multiprocessors) {
  constexpr int64_t LEAST_TOKENS = 64;
  const int64_t wanted = ceil_div(int64_t(SCAN_BLOCKS) * multiprocessors, blocks);
  const int64_t possible = ceil_div(op.tokens, LEAST_TOKENS);
  return wanted < possible ? wanted : possible;
}

template <typename T>
const char* selective_scan_of(const SelectiveScan& op, const Place& place, int multiprocessors) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  const int64_t rows = op.batch * op.channels;
  const bool tiles = op.state == SCAN_STATE && op.channels % VECTOR == 0 && aligned(op.x, sizeof(T)) &&
                     aligned(op.step, sizeof(T)) && aligned(op.b, sizeof(T)) && aligned(op.c, sizeof(T)) &&
                     (!op.gate.data || aligned(op.gate, sizeof(T)));
  if (!tiles) {
    selective_scan_plain<T><<<ceil_div(rows, 64), 64, 0, stream>>>(op);
    return launched();
  }
  const int64_t blocks = ceil_div(op.channels, SCAN_CHANNELS);
  const int64_t runs = scan_runs(op, blocks * op.batch, multiprocessors);
  const int64_t run = ceil_div(ceil_div(op.tokens, runs), SCAN_TOKENS) * SCAN_TOKENS;
  const dim3 grid(blocks, ceil_div(op.tokens, run), op.batch);
  if (grid.y == 1) {
    selective_scan<T, true><<<grid, SCAN_THREADS, 0, stream>>>(op, run, op.past, op.present, nullptr);
    return launched();
  }
  float* states = static_cast<float*>(
      place.scratch.allocate(place.scratch.context, sizeof(float) * grid.y * rows * (SCAN_STATE + 1)));
  if (!states) return "SelectiveScan has no memory left for the states of its runs";
  float* delta_sums = states + grid.y * rows * SCAN_STATE;
  selective_scan<T, false><<<grid, SCAN_THREADS, 0, stream>>>(op, run, nullptr, states, delta_sums);
  carry_states<<<ceil_div(rows * SCAN_STATE, 128), 128, 0, stream>>>(op, grid.y, states, delta_sums);
  selective_scan<T, true><<<grid, SCAN_THREADS, 0, stream>>>(op, run, states, op.present, nullptr);
  return launched();
}

}  // namespace ssm

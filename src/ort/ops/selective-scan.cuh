#pragma once
#include "common.cuh"

namespace ssm {

// A thread carries the 16 states of one channel through a run of tokens: of all ways to share the work this has the
// fewest instructions beside the exponentials, which bind it. Channels that lie side by side make a block; its tokens come in
// tiles, copied to shared memory while the tile before is computed.
constexpr int SCAN_STATE = 16;
constexpr int SCAN_CHANNELS = 64;  // and threads of a block
constexpr int SCAN_TOKENS = 16;    // of a tile
constexpr int SCAN_BLOCKS = 10;    // that a multiprocessor has at once: with more, threads lack registers

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
  for (int i = threadIdx.x; i < SCAN_TOKENS * COPIES; i += SCAN_CHANNELS) {
    const int t = i / COPIES, at = i % COPIES * PER_COPY;
    const bool there = t < inside && at < wide;
    copy16(&to[t][at], there ? from + t * stride + at : from, there);
  }
}

// OUTPUT: the scan from the state before the run, with its outputs. Otherwise: what the run leaves of an empty state, and
// its sum of Δ, from which `carry_states` finds the state before each run.
template <typename T, bool OUTPUT>
__global__ void __launch_bounds__(SCAN_CHANNELS, SCAN_BLOCKS)
    selective_scan(SelectiveScan op, int64_t run, const float* before, float* after, float* delta_sums) {
  using Tile = ScanTile<T>;
  __shared__ Tile tile;
  const int64_t first = int64_t(blockIdx.x) * SCAN_CHANNELS, sequence = blockIdx.z, index = blockIdx.y;
  const int64_t start = index * run, row = sequence * op.tokens + start;
  const int tokens = int(min(op.tokens - start, run)), wide = int(min(op.channels - first, int64_t(SCAN_CHANNELS)));
  const bool real = threadIdx.x < wide;
  const int64_t channel = first + (real ? threadIdx.x : 0);
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

  float h[SCAN_STATE], a[SCAN_STATE], sum = 0.f;
#pragma unroll
  for (int n = 0; n < SCAN_STATE; n++) {
    a[n] = op.a[channel * SCAN_STATE + n] * LOG2_E;
    h[n] = OUTPUT ? before[((index * op.batch + sequence) * op.channels + channel) * SCAN_STATE + n] : 0.f;
  }
  const float bias = op.step_bias[channel], skip = OUTPUT ? widen(static_cast<const T*>(op.skip)[channel]) : 0.f;
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
    for (int i = threadIdx.x; i < SCAN_TOKENS * SCAN_STATE; i += SCAN_CHANNELS) {
      const int t = i / SCAN_STATE, n = i % SCAN_STATE;
      reinterpret_cast<float*>(tile.b[t])[n] = widen(raw.b[t][n]);
      if (OUTPUT) reinterpret_cast<float*>(tile.c[t])[n] = widen(raw.c[t][n]);
    }
    __syncthreads();
    const int count = min(SCAN_TOKENS, tokens - at);
#pragma unroll 2
    for (int t = 0; t < count; t++) {
      const float in = widen(raw.x[t][threadIdx.x]), delta = softplus(widen(raw.step[t][threadIdx.x]) + bias);
      const float added = delta * in;
      float out = skip * in;
      if (!OUTPUT) sum += delta;
#pragma unroll
      for (int four = 0; four < SCAN_STATE / 4; four++) {
        const float4 into = tile.b[t][four], from = OUTPUT ? tile.c[t][four] : float4{};
        const float bs[4] = {into.x, into.y, into.z, into.w}, cs[4] = {from.x, from.y, from.z, from.w};
#pragma unroll
        for (int k = 0; k < 4; k++) {
          const int n = four * 4 + k;
          h[n] = fmaf(exp2_fast(delta * a[n]), h[n], added * bs[k]);
          if (OUTPUT) out = fmaf(h[n], cs[k], out);
        }
      }
      if (OUTPUT) {
        if (gate) out *= silu(widen(raw.gate[t][threadIdx.x]));
        if (real) y[int64_t(at + t) * op.channels] = narrow<T>(out);
      }
    }
    __syncthreads();
  }

  if (!real || (OUTPUT && start + tokens != op.tokens)) return;
  const int64_t slot = OUTPUT ? sequence : index * op.batch + sequence;
  float4* to = reinterpret_cast<float4*>(after + (slot * op.channels + channel) * SCAN_STATE);
#pragma unroll
  for (int four = 0; four < SCAN_STATE / 4; four++)
    to[four] = {h[four * 4], h[four * 4 + 1], h[four * 4 + 2], h[four * 4 + 3]};
  if (!OUTPUT) delta_sums[slot * op.channels + channel] = sum;
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

// One token after another, with states of any size, for a step of decoding and for short prompts. Lanes side by side have one
// channel, each every so many-th of its states.
constexpr int CHANNEL_LANES = 16, STEP_THREADS = 128;

template <typename T, int ROWS>
__global__ void __launch_bounds__(STEP_THREADS) selective_recurrence(SelectiveScan op) {
  const int64_t i = (int64_t(blockIdx.x) * STEP_THREADS + threadIdx.x) / CHANNEL_LANES;
  const int lane = threadIdx.x % CHANNEL_LANES;
  const bool real = i < op.batch * op.channels;
  const int64_t of = real ? i : 0, channel = of % op.channels, row = of / op.channels * op.tokens;
  const auto value = [](const Section& s, int64_t token, int64_t k) {
    return widen(static_cast<const T*>(s.data)[token * s.stride + k]);
  };
  float h[ROWS], a[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const int64_t n = lane + r * CHANNEL_LANES;
    h[r] = n < op.state ? op.past[of * op.state + n] : 0.f;
    a[r] = n < op.state ? op.a[channel * op.state + n] * LOG2_E : 0.f;
  }
  const float bias = op.step_bias[channel], skip = widen(static_cast<const T*>(op.skip)[channel]);
  for (int64_t t = row; t < row + op.tokens; t++) {
    const float x = value(op.x, t, channel), delta = softplus(value(op.step, t, channel) + bias), added = delta * x;
    float y = 0.f;
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const int64_t n = lane + r * CHANNEL_LANES;
      if (n < op.state) {
        h[r] = fmaf(exp2_fast(delta * a[r]), h[r], added * value(op.b, t, n));
        y = fmaf(h[r], value(op.c, t, n), y);
      }
    }
#pragma unroll
    for (int width = 1; width < CHANNEL_LANES; width *= 2) y += __shfl_xor_sync(0xffffffffu, y, width);
    if (lane == 0 && real) {
      y = fmaf(skip, x, y);
      if (op.gate.data) y *= silu(value(op.gate, t, channel));
      static_cast<T*>(op.y)[t * op.channels + channel] = narrow<T>(y);
    }
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const int64_t n = lane + r * CHANNEL_LANES;
    if (real && n < op.state) op.present[of * op.state + n] = h[r];
  }
}

template <typename T, int ROWS>
const char* selective_steps(const SelectiveScan& op, cudaStream_t stream) {
  const int64_t lanes = op.batch * op.channels * CHANNEL_LANES;
  selective_recurrence<T, ROWS><<<ceil_div(lanes, STEP_THREADS), STEP_THREADS, 0, stream>>>(op);
  return launched();
}

// How many runs of tokens are scanned side by side: all but one cost their exponentials twice, but a multiprocessor needs
// its blocks to hide what a token waits for. No more than run at once: a last few would run alone.
inline int64_t scan_runs(const SelectiveScan& op, int64_t blocks, int multiprocessors) {
  constexpr int64_t LEAST_TOKENS = 4 * SCAN_TOKENS;
  const int64_t wanted = SCAN_BLOCKS * multiprocessors / blocks, possible = ceil_div(op.tokens, LEAST_TOKENS);
  return wanted < 1 ? 1 : wanted < possible ? wanted : possible;
}

// Below, a tile is mostly empty.
constexpr int64_t LEAST_TOKENS_IN_TILES = 32;

template <typename T>
const char* selective_scan_of(const SelectiveScan& op, const Place& place, int multiprocessors) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  const int64_t rows = op.batch * op.channels;
  const bool tiles = op.state == SCAN_STATE && op.channels % VECTOR == 0 && aligned(op.x, sizeof(T)) &&
                     aligned(op.step, sizeof(T)) && aligned(op.b, sizeof(T)) && aligned(op.c, sizeof(T)) &&
                     (!op.gate.data || aligned(op.gate, sizeof(T)));
  if (!tiles || op.tokens < LEAST_TOKENS_IN_TILES) {
    if (op.state > 16 * CHANNEL_LANES) return "SelectiveScan has states of at most 256 numbers on CUDA";
    return op.state > 4 * CHANNEL_LANES ? selective_steps<T, 16>(op, stream)
           : op.state > CHANNEL_LANES   ? selective_steps<T, 4>(op, stream)
                                        : selective_steps<T, 1>(op, stream);
  }
  const int64_t blocks = ceil_div(op.channels, SCAN_CHANNELS);
  const int64_t runs = scan_runs(op, blocks * op.batch, multiprocessors);
  const int64_t run = ceil_div(ceil_div(op.tokens, runs), SCAN_TOKENS) * SCAN_TOKENS;
  const dim3 grid(blocks, ceil_div(op.tokens, run), op.batch);
  if (grid.y == 1) {
    selective_scan<T, true><<<grid, SCAN_CHANNELS, 0, stream>>>(op, run, op.past, op.present, nullptr);
    return launched();
  }
  float* states = static_cast<float*>(
      place.scratch.allocate(place.scratch.context, sizeof(float) * grid.y * rows * (SCAN_STATE + 1)));
  if (!states) return "SelectiveScan has no memory left for the states of its runs";
  float* delta_sums = states + grid.y * rows * SCAN_STATE;
  selective_scan<T, false><<<grid, SCAN_CHANNELS, 0, stream>>>(op, run, nullptr, states, delta_sums);
  carry_states<<<ceil_div(rows * SCAN_STATE, 128), 128, 0, stream>>>(op, grid.y, states, delta_sums);
  selective_scan<T, true><<<grid, SCAN_CHANNELS, 0, stream>>>(op, run, states, op.present, nullptr);
  return launched();
}

}  // namespace ssm

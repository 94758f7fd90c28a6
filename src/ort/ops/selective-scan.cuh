#pragma once
#include "common.cuh"

namespace ssm {

// One block takes CHANNELS channels of one sequence over a run of tokens, LANES threads a channel with STATE / LANES states
// each, tile by tile: the tile's inputs are copied to shared memory while the tile before is computed; all threads
// prepare Δ and Δx, one exponential a (token, channel) instead of one a thread; then every thread carries its states
// through the tile; then all threads add the skip, gate, and store 16 bytes each.
template <typename T, int STATE, int LANES>
struct ScanTile {
  static constexpr int THREADS = 64;
  static constexpr int CHANNELS = THREADS / LANES;
  static constexpr int OWN = STATE / LANES;
  static constexpr int TOKENS = 32;
  static constexpr int PACKS = CHANNELS / VECTOR;  // 8 channels of one token
  static_assert(CHANNELS % VECTOR == 0 && OWN * LANES == STATE && TOKENS % LANES == 0);

  struct alignas(16) Raw {
    T x[TOKENS][CHANNELS], step[TOKENS][CHANNELS], gate[TOKENS][CHANNELS], b[TOKENS][STATE], c[TOKENS][STATE];
  };
  struct alignas(16) Ready {
    float delta[TOKENS][CHANNELS], input[TOKENS][CHANNELS], output[TOKENS][CHANNELS];
    float b[TOKENS][STATE], c[TOKENS][STATE];
  };
  Raw raw[2];
  Ready ready;
};

template <typename T, int WIDTH, int TOKENS, int THREADS>
__device__ __forceinline__ void copy_rows(T (*to)[WIDTH], const T* from, int64_t stride, int64_t tokens) {
  constexpr int PER_COPY = 16 / sizeof(T), COPIES = WIDTH / PER_COPY;
  for (int i = threadIdx.x; i < TOKENS * COPIES; i += THREADS) {
    const int t = i / COPIES, at = i % COPIES * PER_COPY;
    const bool inside = t < tokens;
    copy16(&to[t][at], from + (inside ? t : 0) * stride + at, inside);
  }
}

// OUTPUT: the scan from the state before the run, with its outputs. Otherwise: what the run leaves of an empty state, and
// its sum of Δ, from which `carry_states` finds the state before each run.
template <typename T, int STATE, int LANES, bool OUTPUT>
__global__ void __launch_bounds__(64)
    selective_scan(SelectiveScan op, int64_t run, const float* before, float* after, float* delta_sums) {
  using Tile = ScanTile<T, STATE, LANES>;
  constexpr int TOKENS = Tile::TOKENS, CHANNELS = Tile::CHANNELS, OWN = Tile::OWN, THREADS = Tile::THREADS;
  extern __shared__ __align__(16) unsigned char memory[];
  Tile& tile = *reinterpret_cast<Tile*>(memory);

  const int64_t first = int64_t(blockIdx.x) * CHANNELS, sequence = blockIdx.z, index = blockIdx.y;
  const int64_t start = index * run, tokens = min(op.tokens - start, run);
  const int64_t row = sequence * op.tokens + start;
  const int local = threadIdx.x / LANES, lane = threadIdx.x % LANES;
  const int64_t channel = first + local;
  const auto section = [&](const Section& s, int64_t at) { return static_cast<const T*>(s.data) + row * s.stride + at; };
  const T *x = section(op.x, first), *step = section(op.step, first), *b = section(op.b, 0);
  const T *c = OUTPUT ? section(op.c, 0) : nullptr, *gate = OUTPUT && op.gate.data ? section(op.gate, first) : nullptr;

  const auto fetch = [&](int64_t at, int buffer) {
    typename Tile::Raw& raw = tile.raw[buffer];
    const int64_t left = tokens - at;
    copy_rows<T, CHANNELS, TOKENS, THREADS>(raw.x, x + at * op.x.stride, op.x.stride, left);
    copy_rows<T, CHANNELS, TOKENS, THREADS>(raw.step, step + at * op.step.stride, op.step.stride, left);
    copy_rows<T, STATE, TOKENS, THREADS>(raw.b, b + at * op.b.stride, op.b.stride, left);
    if (OUTPUT) copy_rows<T, STATE, TOKENS, THREADS>(raw.c, c + at * op.c.stride, op.c.stride, left);
    if (gate) copy_rows<T, CHANNELS, TOKENS, THREADS>(raw.gate, gate + at * op.gate.stride, op.gate.stride, left);
    copies_commit();
  };

  float h[OWN], a[OWN], sum = 0.f;
#pragma unroll
  for (int n = 0; n < OWN; n++) {
    const int state = lane * OWN + n;
    a[n] = op.a[channel * STATE + state] * LOG2_E;
    h[n] = OUTPUT ? before[((index * op.batch + sequence) * op.channels + channel) * STATE + state] : 0.f;
  }
  fetch(0, 0);
  for (int64_t at = 0, buffer = 0; at < tokens; at += TOKENS, buffer ^= 1) {
    if (at + TOKENS < tokens) {
      fetch(at + TOKENS, buffer ^ 1);
      copies_wait<1>();
    } else
      copies_wait<0>();
    __syncthreads();
    const typename Tile::Raw& raw = tile.raw[buffer];
    typename Tile::Ready& ready = tile.ready;
    const int count = int(min(int64_t(TOKENS), tokens - at));

    for (int i = threadIdx.x; i < TOKENS * CHANNELS; i += THREADS) {
      const int t = i / CHANNELS, ch = i % CHANNELS;
      // Beyond the end nothing decays and nothing is added.
      const float delta = t < count ? softplus(widen(raw.step[t][ch]) + op.step_bias[first + ch]) : 0.f;
      ready.delta[t][ch] = delta;
      ready.input[t][ch] = t < count ? delta * widen(raw.x[t][ch]) : 0.f;
    }
    for (int i = threadIdx.x; i < TOKENS * STATE; i += THREADS) {
      ready.b[i / STATE][i % STATE] = widen(raw.b[i / STATE][i % STATE]);
      if (OUTPUT) ready.c[i / STATE][i % STATE] = widen(raw.c[i / STATE][i % STATE]);
    }
    __syncthreads();

    for (int t = 0; t < count; t += LANES) {
      float y[LANES];
#pragma unroll
      for (int k = 0; k < LANES; k++) {
        const float delta = ready.delta[t + k][local], input = ready.input[t + k][local];
        if (!OUTPUT) sum += delta;
        y[k] = 0.f;
#pragma unroll
        for (int n = 0; n < OWN; n++) {
          const int state = lane * OWN + n;
          h[n] = fmaf(exp2_fast(delta * a[n]), h[n], input * ready.b[t + k][state]);
          if (OUTPUT) y[k] = fmaf(h[n], ready.c[t + k][state], y[k]);
        }
      }
      if constexpr (OUTPUT) {
        // Sums over the lanes of LANES tokens at once: each step halves tokens and doubles summed lanes.
#pragma unroll
        for (int width = LANES / 2; width > 0; width /= 2) {
          const bool upper = lane & width;
#pragma unroll
          for (int k = 0; k < width; k++) {
            const float keep = upper ? y[k + width] : y[k], give = upper ? y[k] : y[k + width];
            y[k] = keep + __shfl_xor_sync(0xffffffffu, give, width);
          }
        }
        ready.output[t + lane][local] = y[0];
      }
    }
    if constexpr (OUTPUT) {
      __syncthreads();
      for (int i = threadIdx.x; i < count * Tile::PACKS; i += THREADS) {
        const int t = i / Tile::PACKS, ch = i % Tile::PACKS * VECTOR;
        Pack<T> out;
#pragma unroll
        for (int v = 0; v < VECTOR; v++) {
          const float skip = widen(static_cast<const T*>(op.skip)[first + ch + v]);
          float y = fmaf(skip, widen(raw.x[t][ch + v]), ready.output[t][ch + v]);
          if (gate) y *= silu(widen(raw.gate[t][ch + v]));
          out.v[v] = narrow<T>(y);
        }
        store(static_cast<T*>(op.y) + (row + at + t) * op.channels + first + ch, out);
      }
    }
    __syncthreads();
  }

  const int64_t slot = OUTPUT ? sequence : index * op.batch + sequence;
  if (!OUTPUT || start + tokens == op.tokens)
#pragma unroll
    for (int n = 0; n < OWN; n++) after[(slot * op.channels + channel) * STATE + lane * OWN + n] = h[n];
  if (!OUTPUT && lane == 0) delta_sums[slot * op.channels + channel] = sum;
}

// In place: what each run leaves of an empty state becomes the state before it.
__global__ void carry_states(SelectiveScan op, int64_t runs, float* states, const float* delta_sums) {
  const int64_t count = op.batch * op.channels * op.state;
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int64_t row = i / op.state;
  const float a = op.a[row % op.channels * op.state + i % op.state] * LOG2_E;
  float h = op.past[i];
  for (int64_t run = 0; run < runs; run++) {
    const float left = states[run * count + i];
    states[run * count + i] = h;
    h = fmaf(exp2_fast(delta_sums[run * op.batch * op.channels + row] * a), h, left);
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

// How many runs of tokens are scanned side by side. Every run but one costs its exponentials twice: only as many as
// fill the multiprocessors.
inline int64_t scan_runs(const SelectiveScan& op, int64_t blocks, int multiprocessors) {
  constexpr int64_t LEAST_TOKENS = 256;
  if (blocks * 2 > multiprocessors) return 1;
  const int64_t wanted = ceil_div(2 * multiprocessors, blocks);
  const int64_t possible = ceil_div(op.tokens, LEAST_TOKENS);
  return wanted < possible ? wanted : possible;
}

template <typename T, int LANES>
const char* selective_scan_by(const SelectiveScan& op, const Place& place, int multiprocessors) {
  constexpr int STATE = 16;
  using Tile = ScanTile<T, STATE, LANES>;
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  const int64_t blocks = op.channels / Tile::CHANNELS;
  const int64_t runs = scan_runs(op, blocks * op.batch, multiprocessors);
  const int64_t run = ceil_div(ceil_div(op.tokens, runs), Tile::TOKENS) * Tile::TOKENS;
  const dim3 grid(blocks, ceil_div(op.tokens, run), op.batch);
  const auto output = selective_scan<T, STATE, LANES, true>;
  const auto local = selective_scan<T, STATE, LANES, false>;
  cudaFuncSetAttribute(output, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Tile));
  if (grid.y == 1) {
    output<<<grid, Tile::THREADS, sizeof(Tile), stream>>>(op, run, op.past, op.present, nullptr);
    return launched();
  }
  const int64_t rows = op.batch * op.channels;
  float* states = static_cast<float*>(
      place.scratch.allocate(place.scratch.context, sizeof(float) * grid.y * rows * (STATE + 1)));
  if (!states) return "SelectiveScan has no memory left for the states of its runs";
  float* delta_sums = states + grid.y * rows * STATE;
  cudaFuncSetAttribute(local, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Tile));
  local<<<grid, Tile::THREADS, sizeof(Tile), stream>>>(op, run, nullptr, states, delta_sums);
  carry_states<<<ceil_div(rows * STATE, 256), 256, 0, stream>>>(op, grid.y, states, delta_sums);
  output<<<grid, Tile::THREADS, sizeof(Tile), stream>>>(op, run, states, op.present, nullptr);
  return launched();
}

template <typename T>
const char* selective_scan_of(const SelectiveScan& op, const Place& place, int multiprocessors) {
  const bool tiles = op.state == 16 && op.channels % 16 == 0 && aligned(op.x, sizeof(T)) && aligned(op.step, sizeof(T)) &&
                     aligned(op.b, sizeof(T)) && aligned(op.c, sizeof(T)) && (!op.gate.data || aligned(op.gate, sizeof(T)));
  if (!tiles) {
    const int64_t rows = op.batch * op.channels;
    selective_scan_plain<T><<<ceil_div(rows, 64), 64, 0, static_cast<cudaStream_t>(place.stream)>>>(op);
    return launched();
  }
  // More threads a channel where there are few channels: as many warps as schedulers, if they can be had.
  const bool few = op.channels * op.batch * 4 < int64_t(multiprocessors) * 128 * 3 / 2;
  return few ? selective_scan_by<T, 8>(op, place, multiprocessors) : selective_scan_by<T, 4>(op, place, multiprocessors);
}

}  // namespace ssm

// State-space duality (Dao & Gu, arXiv 2405.21060, section 6): inside a chunk of tokens a masked product, between chunks one
// state each.
//   prepare_steps    Δ, and the sum of Δ a from the chunk's start to each token, of every head
//   chunk_states     what each chunk leaves of an empty state
//   carry_chunks     in place, the state before each chunk
//   chunk_outputs    C S and the masked product, skip and gate
//   norm_rows        RMSNorm, where there is one
#pragma once
#include "matrix.cuh"

namespace ssm {

constexpr int CHUNK = 128;
constexpr int HEAD_DIM = 64;  // of every published model

// For each (sequence, chunk, head) CHUNK numbers of each. Δ is divided by `scale`, a power of two near the chunk's largest,
// so that products of 16 bits neither vanish nor overflow for it.
struct Steps {
  float *decay, *delta;   // log2 of the decay from the chunk's start up to and with the token; Δ / scale
  float *total, *scale;   // [sequence, chunk, head]: decay at the chunk's end; scale
};

constexpr int STEP_HEADS = 8;

template <typename T>
__global__ void __launch_bounds__(STEP_HEADS * 32) prepare_steps(SsdScan op, int64_t chunks, Steps out) {
  const int64_t head = int64_t(blockIdx.y) * STEP_HEADS + threadIdx.x / 32, chunk = blockIdx.x, sequence = blockIdx.z;
  if (head >= op.heads) return;
  constexpr int OWN = CHUNK / 32;
  const int lane = threadIdx.x % 32;
  const int64_t start = chunk * CHUNK + lane * OWN;
  const T* step = static_cast<const T*>(op.step.data) + sequence * op.tokens * op.step.stride + head;
  const float a = op.a[head] * LOG2_E, bias = op.step_bias[head];
  // No token's decay is less than 2^−64, next to which whatever it is of vanishes: what follows a long sum would lose its digits.
  constexpr float LEAST = -64.f;
  float delta[OWN], decay[OWN], sum = 0.f, largest = 0.f;
#pragma unroll
  for (int k = 0; k < OWN; k++) {
    delta[k] = start + k < op.tokens ? softplus(widen(step[(start + k) * op.step.stride]) + bias) : 0.f;
    largest = fmaxf(largest, delta[k]);
    const float own = delta[k] * a;
    decay[k] = sum += own < LEAST ? LEAST : own;
  }
  float before = sum;
#pragma unroll
  for (int width = 1; width < 32; width *= 2) {
    const float other = __shfl_up_sync(0xffffffffu, before, width);
    if (lane >= width) before += other;
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, width));
  }
  before = __shfl_up_sync(0xffffffffu, before, 1);
  if (lane == 0) before = 0.f;
  // As the last token has it, to the digit: what that leaves of itself is not rounded.
  const int last = int(min(int64_t(CHUNK), op.tokens - chunk * CHUNK)) - 1;
  float at_last = before + decay[OWN - 1];
#pragma unroll
  for (int k = 0; k < OWN - 1; k++)
    if (last % OWN == k) at_last = before + decay[k];
  const float total = __shfl_sync(0xffffffffu, at_last, last / OWN);
  // Between 2^−60 and 2^60: neither it nor its inverse overflows, and what is smaller adds nothing.
  const float scale = exp2f(fminf(fmaxf(ceilf(log2f(largest)), -60.f), 60.f));
  const int64_t slot = (sequence * chunks + chunk) * op.heads + head;
#pragma unroll
  for (int k = 0; k < OWN; k++) {
    out.decay[slot * CHUNK + lane * OWN + k] = before + decay[k];
    out.delta[slot * CHUNK + lane * OWN + k] = delta[k] / scale;
  }
  if (lane == 0) {
    out.total[slot] = total;
    out.scale[slot] = scale;
  }
}

// states[sequence, chunk, head, N, P] = Σ_j 2^(total − decay_j) Δ_j b_j ⊗ x_j, over `scale`. A block: one chunk, `heads` heads of
// one group, whose directions it loads once.
template <typename T, int STATE>
__global__ void __launch_bounds__(STATE) chunk_states(SsdScan op, int64_t chunks, int heads, Steps steps, T* states) {
  constexpr int THREADS = STATE;  // each warp 32 rows of the state
  extern __shared__ __align__(16) unsigned char memory[];
  T* b = reinterpret_cast<T*>(memory);                 // [CHUNK, STATE]
  T* x = b + CHUNK * STATE;                            // 2 × [CHUNK, HEAD_DIM]
  float* weight = reinterpret_cast<float*>(x + 2 * CHUNK * HEAD_DIM);  // 2 × [CHUNK]

  const int64_t chunk = blockIdx.x, first = int64_t(blockIdx.y) * heads, sequence = blockIdx.z;
  const int64_t group = first / (op.heads / op.groups);
  const int64_t row = sequence * op.tokens + chunk * CHUNK;
  const int inside = int(min(int64_t(CHUNK), op.tokens - chunk * CHUNK));
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const auto fetch = [&](int h) {
    const int64_t head = first + h, slot = (sequence * chunks + chunk) * op.heads + head;
    copy_matrix<T, CHUNK, HEAD_DIM, THREADS>(x + h % 2 * CHUNK * HEAD_DIM,
        static_cast<const T*>(op.x.data) + row * op.x.stride + head * HEAD_DIM, op.x.stride, inside);
    for (int j = threadIdx.x; j < CHUNK; j += THREADS)
      weight[h % 2 * CHUNK + j] = exp2_fast(steps.total[slot] - steps.decay[slot * CHUNK + j]) * steps.delta[slot * CHUNK + j];
    copies_commit();
  };
  copy_matrix<T, CHUNK, STATE, THREADS>(b, static_cast<const T*>(op.b.data) + row * op.b.stride + group * STATE, op.b.stride, inside);
  fetch(0);
  for (int h = 0; h < heads; h++) {
    if (h + 1 < heads) {
      fetch(h + 1);
      copies_wait<1>();
    } else
      copies_wait<0>();
    __syncthreads();
    T* mine = x + h % 2 * CHUNK * HEAD_DIM;
    const float* w = weight + h % 2 * CHUNK;
    float sum[2][HEAD_DIM / 8][4] = {};
#pragma unroll 2
    for (int k = 0; k < CHUNK; k += 16) {
      Fragment left[2][4];
      load_left_transposed<T, STATE>(left[0], b, warp * 32, k);
      load_left_transposed<T, STATE>(left[1], b, warp * 32 + 16, k);
      const float2 low = *reinterpret_cast<const float2*>(w + k + lane % 4 * 2);
      const float2 high = *reinterpret_cast<const float2*>(w + k + 8 + lane % 4 * 2);
#pragma unroll
      for (int p = 0; p < HEAD_DIM; p += 16) {
        Fragment right[4];
        load_right<T, HEAD_DIM>(right, mine, k, p);
#pragma unroll
        for (int r = 0; r < 4; r++) {
          const float2 v = unpack<T>(right[r]), by = r % 2 ? high : low;
          right[r] = pack<T>(v.x * by.x, v.y * by.y);
        }
#pragma unroll
        for (int m = 0; m < 2; m++) {
          multiply_add<T>(sum[m][p / 8], left[m], right[0], right[1]);
          multiply_add<T>(sum[m][p / 8 + 1], left[m], right[2], right[3]);
        }
      }
    }
    T* out = states + ((sequence * chunks + chunk) * op.heads + first + h) * STATE * HEAD_DIM;
#pragma unroll
    for (int m = 0; m < 2; m++)
#pragma unroll
      for (int p = 0; p < HEAD_DIM / 8; p++)
#pragma unroll
        for (int half_row = 0; half_row < 2; half_row++) {
          const int n = warp * 32 + m * 16 + lane / 4 + half_row * 8;
          *reinterpret_cast<Fragment*>(out + n * HEAD_DIM + p * 8 + lane % 4 * 2) =
              pack<T>(sum[m][p][half_row * 2], sum[m][p][half_row * 2 + 1]);
        }
    __syncthreads();
  }
}

// Two states a thread, chunk after chunk, several chunks' loads in flight.
template <typename T>
__global__ void __launch_bounds__(128) carry_chunks(SsdScan op, int64_t chunks, Steps steps, T* states) {
  const int64_t size = op.state * op.head_dim, head = blockIdx.y, sequence = blockIdx.z;
  const int64_t i = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * 2;
  if (i >= size) return;
  const int64_t at = (sequence * op.heads + head) * size + i;
  float2 state = *reinterpret_cast<const float2*>(op.past + at);
  constexpr int AHEAD = 8;
  for (int64_t base = 0; base < chunks; base += AHEAD) {
    Fragment left[AHEAD];
    float decay[AHEAD], scale[AHEAD];
    const int count = int(min(int64_t(AHEAD), chunks - base));
#pragma unroll
    for (int k = 0; k < AHEAD; k++)
      if (k < count) {
        const int64_t slot = (sequence * chunks + base + k) * op.heads + head;
        left[k] = *reinterpret_cast<const Fragment*>(states + slot * size + i);
        decay[k] = steps.total[slot];
        scale[k] = steps.scale[slot];
      }
#pragma unroll
    for (int k = 0; k < AHEAD; k++)
      if (k < count) {
        const int64_t slot = (sequence * chunks + base + k) * op.heads + head;
        *reinterpret_cast<Fragment*>(states + slot * size + i) = pack<T>(state.x, state.y);
        const float2 own = unpack<T>(left[k]);
        const float kept = exp2_fast(decay[k]);
        state.x = fmaf(kept, state.x, own.x * scale[k]);
        state.y = fmaf(kept, state.y, own.y * scale[k]);
      }
  }
  *reinterpret_cast<float2*>(op.present + at) = state;
}

constexpr int OUTPUT_WARPS = CHUNK / 16;
constexpr int OUTPUT_THREADS = OUTPUT_WARPS * 32;

template <typename T, int STATE>
struct OutputTile {
  struct Head {
    T x[CHUNK * HEAD_DIM], before[STATE * HEAD_DIM];
    T gate[CHUNK * HEAD_DIM];  // becomes the output
  };
  T c[CHUNK * STATE];
  Head head;
  union {
    T b[CHUNK * STATE];
    Head other;  // once the scores are there
  };
  float decay[2][CHUNK], delta[2][CHUNK];
  int spoiled[HEAD_DIM];  // the first token of each channel that is not finite, once it is known that there is one
};

// A block: one chunk, `heads` heads of one group. Scores C Bᵀ stay in registers for all of them; each warp has 16 tokens.
template <typename T, int STATE>
__global__ void __launch_bounds__(OUTPUT_THREADS, 1)
    chunk_outputs(SsdScan op, int64_t chunks, int heads, Steps steps, const T* states) {
  using Tile = OutputTile<T, STATE>;
  extern __shared__ __align__(16) unsigned char memory[];
  Tile& tile = *reinterpret_cast<Tile*>(memory);
  const auto buffer = [&](int h) -> typename Tile::Head& { return h % 2 ? tile.other : tile.head; };

  const int64_t chunk = blockIdx.x, first = int64_t(blockIdx.y) * heads, sequence = blockIdx.z;
  const int64_t group = first / (op.heads / op.groups);
  const int64_t row = sequence * op.tokens + chunk * CHUNK;
  const int inside = int(min(int64_t(CHUNK), op.tokens - chunk * CHUNK));
  const int lane = threadIdx.x % 32;
  // Later tokens see more: the two warps of a scheduler share early and late ones.
  const int warp = threadIdx.x / 32, part = warp < OUTPUT_WARPS / 2 ? warp : OUTPUT_WARPS * 3 / 2 - 1 - warp;
  const int top = part * 16;  // this warp's first token
  const bool gated = op.gate.data && op.norm != Norm::before_gate;
  const auto fetch = [&](int h) {
    const int64_t head = first + h, slot = (sequence * chunks + chunk) * op.heads + head;
    typename Tile::Head& to = buffer(h);
    copy_matrix<T, CHUNK, HEAD_DIM, OUTPUT_THREADS>(to.x,
        static_cast<const T*>(op.x.data) + row * op.x.stride + head * HEAD_DIM, op.x.stride, inside);
    copy_matrix<T, STATE, HEAD_DIM, OUTPUT_THREADS>(to.before, states + slot * STATE * HEAD_DIM, HEAD_DIM, STATE);
    if (gated)
      copy_matrix<T, CHUNK, HEAD_DIM, OUTPUT_THREADS>(to.gate,
          static_cast<const T*>(op.gate.data) + row * op.gate.stride + head * HEAD_DIM, op.gate.stride, inside);
    const int j = threadIdx.x * 4;
    if (j < CHUNK)
      copy16(&tile.decay[h % 2][j], steps.decay + slot * CHUNK + j, true);
    else if (j < 2 * CHUNK)
      copy16(&tile.delta[h % 2][j - CHUNK], steps.delta + slot * CHUNK + j - CHUNK, true);
    copies_commit();
  };
  copy_matrix<T, CHUNK, STATE, OUTPUT_THREADS>(tile.c, static_cast<const T*>(op.c.data) + row * op.c.stride + group * STATE, op.c.stride, inside);
  copy_matrix<T, CHUNK, STATE, OUTPUT_THREADS>(tile.b, static_cast<const T*>(op.b.data) + row * op.b.stride + group * STATE, op.b.stride, inside);
  copies_commit();
  fetch(0);
  copies_wait<1>();
  __syncthreads();

  float scores[CHUNK / 8][4] = {};
#pragma unroll 1
  for (int n = 0; n < STATE; n += 16) {
    Fragment left[4];
    load_left<T, STATE>(left, tile.c, top, n);
#pragma unroll
    for (int half_chunk = 0; half_chunk < CHUNK; half_chunk += CHUNK / 2)
      if (half_chunk <= top)
#pragma unroll
        for (int j = half_chunk; j < half_chunk + CHUNK / 2; j += 16) {
          Fragment right[4];
          load_right_transposed<T, STATE>(right, tile.b, n, j);
          multiply_add<T>(scores[j / 8], left, right[0], right[1]);
          multiply_add<T>(scores[j / 8 + 1], left, right[2], right[3]);
        }
  }
  __syncthreads();

  const int upper = top + lane / 4, lower = upper + 8;  // this lane's tokens
#pragma unroll 1
  for (int h = 0; h < heads; h++) {
    if (h + 1 < heads) {
      fetch(h + 1);
      copies_wait<1>();
    } else
      copies_wait<0>();
    __syncthreads();
    typename Tile::Head& mine = buffer(h);
    const float *decay = tile.decay[h % 2], *delta = tile.delta[h % 2];
    const int64_t head = first + h;
    const float scale = steps.scale[(sequence * chunks + chunk) * op.heads + head];
    const float skip = widen(static_cast<const T*>(op.skip)[head]);
    const float upper_decay = decay[upper], lower_decay = decay[lower];

    float y[HEAD_DIM / 8][4];
    bool cleaned = false;
    for (;;) {
#pragma unroll
      for (int p = 0; p < HEAD_DIM / 8; p++)
#pragma unroll
        for (int i = 0; i < 4; i++) y[p][i] = 0.f;
#pragma unroll 2
      for (int n = 0; n < STATE; n += 16) {
        Fragment left[4];
        load_left<T, STATE>(left, tile.c, top, n);
#pragma unroll
        for (int p = 0; p < HEAD_DIM; p += 16) {
          Fragment right[4];
          load_right<T, HEAD_DIM>(right, mine.before, n, p);
          multiply_add<T>(y[p / 8], left, right[0], right[1]);
          multiply_add<T>(y[p / 8 + 1], left, right[2], right[3]);
        }
      }
      // From here on in units of the scale.
      const float to_upper = exp2_fast(upper_decay) / scale, to_lower = exp2_fast(lower_decay) / scale;
#pragma unroll
      for (int p = 0; p < HEAD_DIM / 8; p++) {
        y[p][0] *= to_upper;
        y[p][1] *= to_upper;
        y[p][2] *= to_lower;
        y[p][3] *= to_lower;
      }
      // Halves of the chunk that all of this warp's tokens precede are left out; in long pieces without a branch products
      // and exponentials overlap.
#pragma unroll
      for (int half_chunk = 0; half_chunk < CHUNK; half_chunk += CHUNK / 2)
        if (half_chunk <= top)
#pragma unroll
          for (int j = half_chunk; j < half_chunk + CHUNK / 2; j += 16) {
            Fragment left[4];
#pragma unroll
            for (int side = 0; side < 2; side++) {
              const int at = j + side * 8 + lane % 4 * 2;
              const float2 from = *reinterpret_cast<const float2*>(decay + at), by = *reinterpret_cast<const float2*>(delta + at);
              const float* s = scores[j / 8 + side];
              // A select, not a product with 0: what is not seen may be infinite.
              const float u0 = at <= upper ? s[0] * exp2_fast(upper_decay - from.x) * by.x : 0.f;
              const float u1 = at + 1 <= upper ? s[1] * exp2_fast(upper_decay - from.y) * by.y : 0.f;
              const float l0 = at <= lower ? s[2] * exp2_fast(lower_decay - from.x) * by.x : 0.f;
              const float l1 = at + 1 <= lower ? s[3] * exp2_fast(lower_decay - from.y) * by.y : 0.f;
              left[side * 2] = pack<T>(u0, u1);
              left[side * 2 + 1] = pack<T>(l0, l1);
            }
#pragma unroll
            for (int p = 0; p < HEAD_DIM; p += 16) {
              Fragment right[4];
              load_right<T, HEAD_DIM>(right, mine.x, j, p);
              multiply_add<T>(y[p / 8], left, right[0], right[1]);
              multiply_add<T>(y[p / 8 + 1], left, right[2], right[3]);
            }
          }
      if (cleaned) break;
      // 0 times an infinity or NaN of a later token is NaN: then again without them.
      float zero = 0.f;
#pragma unroll
      for (int p = 0; p < HEAD_DIM / 8; p++)
#pragma unroll
        for (int i = 0; i < 4; i++) zero = fmaf(y[p][i], 0.f, zero);
      if (!__syncthreads_or(zero != 0.f)) break;
      if (threadIdx.x < HEAD_DIM) {
        int spoiled = CHUNK;
        for (int t = CHUNK - 1; t >= 0; t--) {
          T* x = element<T, HEAD_DIM>(mine.x, t, threadIdx.x);
          if (isfinite(widen(*x))) continue;
          spoiled = t;
          *x = narrow<T>(0.f);
        }
        tile.spoiled[threadIdx.x] = spoiled;
      }
      __syncthreads();
      cleaned = true;
    }
#pragma unroll
    for (int p = 0; p < HEAD_DIM / 8; p++)
#pragma unroll
      for (int side = 0; side < 2; side++) {
        const int token = side ? lower : upper, channel = p * 8 + lane % 4 * 2;
        const float2 x = unpack<T>(*reinterpret_cast<const Fragment*>(element<T, HEAD_DIM>(mine.x, token, channel)));
        float2 out = {fmaf(y[p][side * 2], scale, skip * x.x), fmaf(y[p][side * 2 + 1], scale, skip * x.y)};
        if (cleaned) {
          // From its own token on a channel is NaN, as sums of infinities of both signs are.
          if (token >= tile.spoiled[channel]) out.x = NAN;
          if (token >= tile.spoiled[channel + 1]) out.y = NAN;
        }
        Fragment& place = *reinterpret_cast<Fragment*>(element<T, HEAD_DIM>(mine.gate, token, channel));
        if (gated) {
          const float2 z = unpack<T>(place);
          out.x *= silu(z.x);
          out.y *= silu(z.y);
        }
        place = pack<T>(out.x, out.y);
      }
    __syncwarp();
    // The warp's own 16 rows, 16 bytes a lane.
    T* to = static_cast<T*>(op.y) + row * op.heads * HEAD_DIM + head * HEAD_DIM;
#pragma unroll
    for (int i = lane; i < 16 * HEAD_DIM / VECTOR; i += 32) {
      const int token = top + i / (HEAD_DIM / VECTOR), channel = i % (HEAD_DIM / VECTOR) * VECTOR;
      if (token < inside)
        store(to + int64_t(token) * op.heads * HEAD_DIM + channel, load(element<T, HEAD_DIM>(mine.gate, token, channel)));
    }
    __syncthreads();
  }
}

// One token after another, in any type and of any size: for a step of decoding, for float32 and for short prompts. A block
// is one warp and has some columns of a head's state; a thread ROWS of their rows in COLUMNS of the columns, which lie side by
// side.
constexpr int COLUMN_LANES = 4, ROW_LANES = 32 / COLUMN_LANES;

template <typename T, int ROWS, int COLUMNS>
__global__ void __launch_bounds__(32) ssd_recurrence(SsdScan op) {
  const int64_t head = blockIdx.y, sequence = blockIdx.z, group = head / (op.heads / op.groups);
  const int lane = threadIdx.x / COLUMN_LANES;
  const int64_t column = (int64_t(blockIdx.x) * COLUMN_LANES + threadIdx.x % COLUMN_LANES) * COLUMNS;
  const bool real = column < op.head_dim;  // of all of a thread's columns: with several, heads are a multiple of them wide
  const int64_t base = (sequence * op.heads + head) * op.state;
  const auto value = [](const Section& s, int64_t token, int64_t k) {
    return widen(static_cast<const T*>(s.data)[token * s.stride + k]);
  };
  Pack<float, COLUMNS> state[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const int64_t n = lane + r * ROW_LANES;
    state[r] = real && n < op.state ? load<COLUMNS>(op.past + (base + n) * op.head_dim + column) : Pack<float, COLUMNS>{};
  }
  const float a = op.a[head] * LOG2_E, bias = op.step_bias[head], skip = widen(static_cast<const T*>(op.skip)[head]);
  for (int64_t t = sequence * op.tokens; t < (sequence + 1) * op.tokens; t++) {
    const float delta = softplus(value(op.step, t, head) + bias), decay = exp2_fast(delta * a);
    const int64_t channel = head * op.head_dim + column;
    float x[COLUMNS], y[COLUMNS] = {};
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) x[k] = real ? value(op.x, t, channel + k) : 0.f;
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const int64_t n = lane + r * ROW_LANES;
      if (n < op.state) {
        const float b = delta * value(op.b, t, group * op.state + n), c = value(op.c, t, group * op.state + n);
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) {
          state[r].v[k] = fmaf(decay, state[r].v[k], b * x[k]);
          y[k] = fmaf(state[r].v[k], c, y[k]);
        }
      }
    }
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
#pragma unroll
      for (int width = COLUMN_LANES; width < 32; width *= 2) y[k] += __shfl_xor_sync(0xffffffffu, y[k], width);
      if (lane == 0 && real) {
        y[k] = fmaf(skip, x[k], y[k]);
        if (op.gate.data && op.norm != Norm::before_gate) y[k] *= silu(value(op.gate, t, channel + k));
        static_cast<T*>(op.y)[t * op.heads * op.head_dim + channel + k] = narrow<T>(y[k]);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const int64_t n = lane + r * ROW_LANES;
    if (real && n < op.state) store(op.present + (base + n) * op.head_dim + column, state[r]);
  }
}

// In place. A block a token and group, whose row stays in registers: PIECES pieces of VECTOR a thread. 0: one of any width and
// alignment, which is read twice.
constexpr int NORM_THREADS = 128, MOST_PIECES = 5;

template <typename T, int PIECES>
__global__ void __launch_bounds__(NORM_THREADS) norm_rows(SsdScan op) {
  const int64_t token = blockIdx.x, group = blockIdx.y, channels = op.heads * op.head_dim, width = channels / op.groups;
  T* y = static_cast<T*>(op.y) + token * channels + group * width;
  const T* weight = static_cast<const T*>(op.norm_weight) + group * width;
  const T* gate = op.norm == Norm::before_gate && op.gate.data
                      ? static_cast<const T*>(op.gate.data) + token * op.gate.stride + group * width
                      : nullptr;
  const auto finish = [&](T v, T by, T z, float factor) {
    const float normed = widen(v) * factor * widen(by);
    return narrow<T>(gate ? normed * silu(widen(z)) : normed);
  };
  float squares = 0.f;
  const auto factor_of = [&] { return rsqrtf(block_sum<NORM_THREADS>(squares) / float(width) + op.norm_epsilon); };
  if constexpr (PIECES > 0) {
    Pack<T> kept[PIECES];
#pragma unroll
    for (int piece = 0; piece < PIECES; piece++) {
      const int i = (piece * NORM_THREADS + threadIdx.x) * VECTOR;
      if (i >= width) break;
      kept[piece] = load(y + i);
#pragma unroll
      for (int v = 0; v < VECTOR; v++) squares = fmaf(widen(kept[piece].v[v]), widen(kept[piece].v[v]), squares);
    }
    const float factor = factor_of();
#pragma unroll
    for (int piece = 0; piece < PIECES; piece++) {
      const int i = (piece * NORM_THREADS + threadIdx.x) * VECTOR;
      if (i >= width) break;
      const Pack<T> by = load(weight + i), z = gate ? load(gate + i) : by;
#pragma unroll
      for (int v = 0; v < VECTOR; v++) kept[piece].v[v] = finish(kept[piece].v[v], by.v[v], z.v[v], factor);
      store(y + i, kept[piece]);
    }
  } else {
    for (int i = threadIdx.x; i < width; i += NORM_THREADS) squares = fmaf(widen(y[i]), widen(y[i]), squares);
    const float factor = factor_of();
    for (int i = threadIdx.x; i < width; i += NORM_THREADS) y[i] = finish(y[i], weight[i], gate ? gate[i] : y[i], factor);
  }
}

template <typename T, int PIECES = MOST_PIECES>
const char* norm_rows_of(const SsdScan& op, cudaStream_t stream) {
  const int64_t width = op.heads * op.head_dim / op.groups;
  const bool whole = width % VECTOR == 0 && aligned(op.norm_weight) && (!op.gate.data || aligned(op.gate, sizeof(T)));
  if constexpr (PIECES > 0)
    if (!whole || width > PIECES * NORM_THREADS * VECTOR || width <= (PIECES - 1) * NORM_THREADS * VECTOR)
      return norm_rows_of<T, PIECES - 1>(op, stream);
  norm_rows<T, PIECES><<<dim3(op.batch * op.tokens, op.groups), NORM_THREADS, 0, stream>>>(op);
  return launched();
}

// How many heads of a group a block takes: as many as leave a block for every multiprocessor twice.
inline int heads_a_block(const SsdScan& op, int64_t chunks, int multiprocessors) {
  const int64_t in_group = op.heads / op.groups;
  for (int heads = 8; heads > 1; heads /= 2)
    if (in_group % heads == 0 && chunks * op.batch * (op.heads / heads) >= 2 * multiprocessors) return heads;
  return 1;
}

template <typename T, int STATE>
const char* ssd_chunks(const SsdScan& op, const Place& place, int multiprocessors) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  const int64_t chunks = ceil_div(op.tokens, CHUNK), slots = op.batch * chunks * op.heads;
  const size_t state_bytes = slots * STATE * HEAD_DIM * sizeof(T);
  char* memory = static_cast<char*>(
      place.scratch.allocate(place.scratch.context, state_bytes + slots * (2 * CHUNK + 2) * sizeof(float)));
  if (!memory) return "SsdScan has no memory left for the states of its chunks";
  T* states = reinterpret_cast<T*>(memory);
  float* numbers = reinterpret_cast<float*>(memory + state_bytes);
  const Steps steps = {numbers, numbers + slots * CHUNK, numbers + 2 * slots * CHUNK, numbers + 2 * slots * CHUNK + slots};
  const int heads = heads_a_block(op, chunks, multiprocessors);
  const dim3 blocks(chunks, op.heads / heads, op.batch);

  prepare_steps<T><<<dim3(chunks, ceil_div(op.heads, STEP_HEADS), op.batch), STEP_HEADS * 32, 0, stream>>>(op, chunks, steps);
  constexpr size_t state_tile = (CHUNK * STATE + 2 * CHUNK * HEAD_DIM) * sizeof(T) + 2 * CHUNK * sizeof(float);
  cudaFuncSetAttribute(chunk_states<T, STATE>, cudaFuncAttributeMaxDynamicSharedMemorySize, state_tile);
  chunk_states<T, STATE><<<blocks, STATE, state_tile, stream>>>(op, chunks, heads, steps, states);
  carry_chunks<T><<<dim3(ceil_div(STATE * HEAD_DIM / 2, 128), op.heads, op.batch), 128, 0, stream>>>(op, chunks, steps, states);
  constexpr size_t output_tile = sizeof(OutputTile<T, STATE>);
  cudaFuncSetAttribute(chunk_outputs<T, STATE>, cudaFuncAttributeMaxDynamicSharedMemorySize, output_tile);
  chunk_outputs<T, STATE><<<blocks, OUTPUT_THREADS, output_tile, stream>>>(op, chunks, heads, steps, states);
  return launched();
}

template <typename T, int ROWS>
const char* ssd_steps(const SsdScan& op, cudaStream_t stream) {
  const auto start = [&](auto columns) {
    const dim3 grid(ceil_div(op.head_dim, COLUMN_LANES * columns.value), op.heads, op.batch);
    ssd_recurrence<T, ROWS, columns.value><<<grid, 32, 0, stream>>>(op);
  };
  if (op.head_dim % 4 == 0 && aligned(op.past) && aligned(op.present))
    start(Number<4>{});
  else
    start(Number<1>{});
  return launched();
}

// Below, starting five kernels takes longer than the tokens.
constexpr int64_t LEAST_TOKENS_IN_CHUNKS = 32;

template <typename T>
const char* ssd_scan_of(const SsdScan& op, const Place& place, int multiprocessors) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  const char* fault = nullptr;
  bool done = false;
  if constexpr (sizeof(T) == 2) {
    const bool whole = aligned(op.x, 2) && aligned(op.b, 2) && aligned(op.c, 2) && op.head_dim == HEAD_DIM &&
                       (!op.gate.data || aligned(op.gate, 2));
    const auto in_chunks = [&](auto state) {
      done = fits(sizeof(OutputTile<T, state.value>));
      if (done) fault = ssd_chunks<T, state.value>(op, place, multiprocessors);
    };
    if (whole && op.tokens >= LEAST_TOKENS_IN_CHUNKS) {
      if (op.state == 64) in_chunks(Number<64>{});
      if (op.state == 128) in_chunks(Number<128>{});
      if (op.state == 256) in_chunks(Number<256>{});
    }
  }
  if (!done) {
    if (op.state > 32 * ROW_LANES) return "SsdScan has states of at most 256 rows on CUDA";
    fault = op.state > 16 * ROW_LANES  ? ssd_steps<T, 32>(op, stream)
            : op.state > 8 * ROW_LANES ? ssd_steps<T, 16>(op, stream)
                                       : ssd_steps<T, 8>(op, stream);
  }
  return fault || op.norm == Norm::none ? fault : norm_rows_of<T>(op, stream);
}

}  // namespace ssm

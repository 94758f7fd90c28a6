// The operators on the CPU: plain loops over blocks of channels that a compiler turns into vector instructions. IEEE
// arithmetic throughout (no -ffast-math): NaN and infinity go where the recurrence takes them.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels.h"

namespace ssm {
namespace {

// Channels that are computed side by side, as many as fill a few vector registers; and tokens at a time, so that what
// they are widened to stays in the cache.
constexpr int LANES = 32;
constexpr int64_t TOKENS = 64;

struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};

uint32_t bitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

float fromBits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float widen(float value) { return value; }
float widen(Brain value) { return fromBits(uint32_t{value.bits} << 16); }

// The exponent moves by a product, which is exact and makes subnormal numbers normal; infinity and NaN are put back.
float widen(Half value) {
  const uint32_t magnitude = value.bits & 0x7fffu;
  const float scaled = fromBits(magnitude << 13) * fromBits(0x77800000u);  // 2^112
  const uint32_t bits = magnitude >= 0x7c00u ? (magnitude << 13) | 0x7f800000u : bitsOf(scaled);
  return fromBits(bits | (value.bits & 0x8000u) << 16);
}

template <class T>
T narrow(float value);

template <>
float narrow<float>(float value) {
  return value;
}

template <>
Brain narrow<Brain>(float value) {
  const uint32_t bits = bitsOf(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to nearest, ties to even
  return {static_cast<uint16_t>(value != value ? (bits >> 16) | 0x40u : rounded)};
}

// Subnormal results are rounded by an addition that leaves as many bits as they have.
template <>
Half narrow<Half>(float value) {
  const uint32_t sign = (bitsOf(value) >> 16) & 0x8000u;
  const uint32_t bits = bitsOf(value) & 0x7fffffffu;
  const uint32_t normal = (bits - 0x38000000u + 0xfffu + ((bits >> 13) & 1u)) >> 13;
  const uint32_t subnormal = bitsOf(fromBits(bits) + 0.5f) - bitsOf(0.5f);
  uint32_t result = bits < 0x38800000u ? subnormal : normal;
  result = bits >= 0x477ff000u ? 0x7c00u : result;  // 65520 and above round to infinity
  result = bits > 0x7f800000u ? 0x7e00u : result;   // NaN
  return {static_cast<uint16_t>(result | sign)};
}

// e^x, about 1 ulp. Cody–Waite reduction and the polynomial of Cephes expf; 2^n in two factors, as results may be subnormal.
inline float exponential(float x) {
  const float bounded = x > 89.f ? 89.f : x < -104.f ? -104.f : x;
  const float shifted = bounded * 1.44269504f + 12582912.f;  // rounds: the integer is in the low bits
  const float n = shifted - 12582912.f;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const int32_t power = static_cast<int32_t>(bitsOf(shifted) - bitsOf(12582912.f));
  const int32_t first = power >> 1, second = power - first;
  const float y = p * fromBits(static_cast<uint32_t>(first + 127) << 23) *
                  fromBits(static_cast<uint32_t>(second + 127) << 23);
  return x < -104.f ? 0.f : y;
}

// log(1 + e^x) = max(x, 0) + log1p(e^−|x|), by log1p(u) = 2 artanh(u / (2 + u)).
inline float softplus(float x) {
  const float u = exponential(x > 0.f ? -x : x);
  const float s = u / (2.f + u), s2 = s * s;
  float p = 1.f / 15.f;
  p = p * s2 + 1.f / 13.f;
  p = p * s2 + 1.f / 11.f;
  p = p * s2 + 1.f / 9.f;
  p = p * s2 + 1.f / 7.f;
  p = p * s2 + 1.f / 5.f;
  p = p * s2 + 1.f / 3.f;
  p = p * s2 + 1.f;
  return (x > 0.f ? x : 0.f) + 2.f * s * p;
}

inline float silu(float x) { return x / (1.f + exponential(-x)); }

template <class T>
const T* at(const void* data, int64_t offset) {
  return static_cast<const T*>(data) + offset;
}

// `count` numbers as float32, and zeros up to `width`.
template <class T>
void load(float* to, const T* from, int64_t count, int64_t width) {
  for (int64_t i = 0; i < count; i++) to[i] = widen(from[i]);
  for (int64_t i = count; i < width; i++) to[i] = 0;
}

template <class T>
void store(T* to, const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = narrow<T>(from[i]);
}

// The same for a block of channels, which is a whole one but at the end: of a known length it takes no loop.
template <class T>
inline void loadLanes(float* to, const T* from, int64_t count) {
  if (count == LANES)
    for (int i = 0; i < LANES; i++) to[i] = widen(from[i]);
  else
    load(to, from, count, LANES);
}

template <class T>
inline void storeLanes(T* to, const float* from, int64_t count) {
  if (count == LANES)
    for (int i = 0; i < LANES; i++) to[i] = narrow<T>(from[i]);
  else
    store(to, from, count);
}

// √(mean of squares + ε), by as many sums as a vector register has lanes.
float rootMeanSquare(const float* values, int64_t count, float epsilon) {
  float squares[16] = {};
  for (int64_t i = 0; i < count; i++) squares[i % 16] += values[i] * values[i];
  float sum = 0;
  for (float square : squares) sum += square;
  return sqrtf(sum / static_cast<float>(count) + epsilon);
}

int64_t blocks(int64_t count, int64_t size) { return (count + size - 1) / size; }

// body(i) for every i < count, on the threads of the place.
template <class Body>
void parallel(const Place& place, int64_t count, const Body& body) {
  place.parallel(
      place.context, [](void* argument, size_t i) { (*static_cast<const Body*>(argument))(static_cast<int64_t>(i)); },
      static_cast<size_t>(count), const_cast<Body*>(&body));
}

template <class T>
void convolve(const CausalConv& op, int64_t batch, int64_t from) {
  const int64_t count = std::min<int64_t>(LANES, op.channels - from);
  const int64_t width = op.width, kept = width - 1;
  float weight[4][LANES] = {}, bias[LANES];
  // The last `width` inputs, as a ring: token t is in row (t + kept) % width, the state before the first one too.
  float seen[4][LANES] = {};
  loadLanes(bias, at<T>(op.bias, from), count);
  const int64_t states = (batch * op.channels + from) * kept;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t k = 0; k < width; k++) weight[k][i] = widen(*at<T>(op.weight, (from + i) * width + k));
    for (int64_t k = 0; k < kept; k++) seen[k][i] = widen(*at<T>(op.past, states + i * kept + k));
  }
  for (int64_t t = 0; t < op.tokens; t++) {
    const int64_t row = batch * op.tokens + t;
    loadLanes(seen[(t + kept) % width], at<T>(op.x.data, row * op.x.stride + from), count);
    float y[LANES];
    memcpy(y, bias, sizeof y);
    for (int64_t k = 0; k < width; k++) {
      const float* x = seen[(t + k) % width];
      for (int i = 0; i < LANES; i++) y[i] += weight[k][i] * x[i];
    }
    for (int i = 0; i < LANES; i++) y[i] = silu(y[i]);
    storeLanes(static_cast<T*>(op.y) + row * op.channels + from, y, count);
  }
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < kept; k++)
      static_cast<T*>(op.present)[states + i * kept + k] = narrow<T>(seen[(op.tokens + k) % width][i]);
}

// One block of channels; the state is held [state, channels], so that channels are side by side.
template <class T>
void scan(const SelectiveScan& op, int64_t batch, int64_t from) {
  using Lanes = float[LANES];
  const int64_t count = std::min<int64_t>(LANES, op.channels - from);
  const int64_t size = op.state, states = (batch * op.channels + from) * size;
  const std::unique_ptr<float[]> memory(new float[2 * size * LANES + 2 * size]());
  Lanes* const s = reinterpret_cast<Lanes*>(memory.get());
  Lanes* const a = s + size;
  float* const b = memory.get() + 2 * size * LANES;
  float* const c = b + size;
  for (int64_t i = 0; i < count; i++)
    for (int64_t n = 0; n < size; n++) {
      s[n][i] = op.past[states + i * size + n];
      a[n][i] = op.a[(from + i) * size + n];
    }
  float bias[LANES], skip[LANES];
  loadLanes(bias, op.step_bias + from, count);
  loadLanes(skip, at<T>(op.skip, from), count);
  for (int64_t t = 0; t < op.tokens; t++) {
    const int64_t row = batch * op.tokens + t;
    float x[LANES], step[LANES], u[LANES], y[LANES];
    loadLanes(x, at<T>(op.x.data, row * op.x.stride + from), count);
    loadLanes(step, at<T>(op.step.data, row * op.step.stride + from), count);
    load(b, at<T>(op.b.data, row * op.b.stride), size, size);
    load(c, at<T>(op.c.data, row * op.c.stride), size, size);
    for (int i = 0; i < LANES; i++) {
      step[i] = softplus(step[i] + bias[i]);
      u[i] = step[i] * x[i];
      y[i] = skip[i] * x[i];
    }
    for (int64_t n = 0; n < size; n++)
      for (int i = 0; i < LANES; i++) {
        s[n][i] = exponential(step[i] * a[n][i]) * s[n][i] + u[i] * b[n];
        y[i] += c[n] * s[n][i];
      }
    if (op.gate.data) {
      loadLanes(x, at<T>(op.gate.data, row * op.gate.stride + from), count);
      for (int i = 0; i < LANES; i++) y[i] *= silu(x[i]);
    }
    storeLanes(static_cast<T*>(op.y) + row * op.channels + from, y, count);
  }
  for (int64_t i = 0; i < count; i++)
    for (int64_t n = 0; n < size; n++) op.present[states + i * size + n] = s[n][i];
}

// A piece of the sequence: up to TOKENS tokens from `start` on, the first piece from the past state.
struct Piece {
  int64_t start, tokens;
  float* y;  // [batch, tokens, heads · head_dim]: before gate and norm
};

// LANES channels of one head. Rows of the state are independent: each stays in registers for all tokens.
template <class T>
void scan(const SsdScan& op, const Piece& piece, int64_t batch, int64_t head, int64_t from) {
  const int64_t count = std::min<int64_t>(LANES, op.head_dim - from), size = op.state, tokens = piece.tokens;
  const int64_t inner = op.heads * op.head_dim, channel = head * op.head_dim + from;
  const int64_t direction = head / (op.heads / op.groups) * size;
  const int64_t states = (batch * op.heads + head) * size * op.head_dim + from;
  const float* const before = piece.start == 0 ? op.past : op.present;
  const float bias = op.step_bias[head], rate = op.a[head], skip = widen(*at<T>(op.skip, head));
  float step[TOKENS], decay[TOKENS], u[TOKENS][LANES], y[TOKENS][LANES];
  const std::unique_ptr<float[]> memory(new float[2 * TOKENS * size]);
  float* const b = memory.get();
  float* const c = b + TOKENS * size;
  const int64_t first = batch * op.tokens + piece.start;
  for (int64_t t = 0; t < tokens; t++) {
    const int64_t row = first + t;
    step[t] = widen(*at<T>(op.step.data, row * op.step.stride + head)) + bias;
    load(b + t * size, at<T>(op.b.data, row * op.b.stride + direction), size, size);
    load(c + t * size, at<T>(op.c.data, row * op.c.stride + direction), size, size);
    loadLanes(u[t], at<T>(op.x.data, row * op.x.stride + channel), count);
  }
  for (int64_t t = 0; t < tokens; t++) {
    step[t] = softplus(step[t]);
    decay[t] = exponential(step[t] * rate);
  }
  for (int64_t t = 0; t < tokens; t++)
    for (int i = 0; i < LANES; i++) {
      y[t][i] = skip * u[t][i];
      u[t][i] *= step[t];
    }
  for (int64_t n = 0; n < size; n++) {
    float s[LANES];
    loadLanes(s, before + states + n * op.head_dim, count);
    for (int64_t t = 0; t < tokens; t++) {
      const float into = b[t * size + n], out = c[t * size + n], left = decay[t];
      for (int i = 0; i < LANES; i++) {
        s[i] = left * s[i] + into * u[t][i];
        y[t][i] += out * s[i];
      }
    }
    storeLanes(op.present + states + n * op.head_dim, s, count);
  }
  for (int64_t t = 0; t < tokens; t++)
    storeLanes(piece.y + (batch * tokens + t) * inner + channel, y[t], count);
}

// Gate and norm of the channels of one group of one token.
template <class T>
void finish(const SsdScan& op, const Piece& piece, int64_t batch, int64_t token, int64_t group) {
  const int64_t inner = op.heads * op.head_dim, width = inner / op.groups, from = group * width;
  float* const y = piece.y + (batch * piece.tokens + token) * inner + from;
  const int64_t row = batch * op.tokens + piece.start + token;
  const auto open = [&] {
    if (!op.gate.data) return;
    const T* gate = at<T>(op.gate.data, row * op.gate.stride + from);
    for (int64_t i = 0; i < width; i++) y[i] *= silu(widen(gate[i]));
  };
  if (op.norm != Norm::before_gate) open();
  if (op.norm != Norm::none) {
    const float scale = 1.f / rootMeanSquare(y, width, op.norm_epsilon);
    const T* weight = at<T>(op.norm_weight, from);
    for (int64_t i = 0; i < width; i++) y[i] *= scale * widen(weight[i]);
  }
  if (op.norm == Norm::before_gate) open();
  store(static_cast<T*>(op.y) + row * inner + from, y, width);
}

template <class T>
void runAs(const ResidualNorm& op, const Place& place) {
  constexpr int64_t ROWS = 16;
  const int64_t width = op.channels;
  parallel(place, blocks(op.rows, ROWS), [&](int64_t block) {
    const std::unique_ptr<float[]> y(new float[width]);
    for (int64_t row = block * ROWS; row < std::min(op.rows, (block + 1) * ROWS); row++) {
      float* const sum = op.sum + row * width;
      load(y.get(), at<T>(op.delta, row * width), width, width);
      for (int64_t i = 0; i < width; i++) sum[i] = y[i] + op.stream[row * width + i];
      const float scale = 1.f / rootMeanSquare(sum, width, op.epsilon);
      for (int64_t i = 0; i < width; i++) y[i] = sum[i] * scale * op.weight[i];
      store(static_cast<T*>(op.y) + row * width, y.get(), width);
    }
  });
}

template <class T>
void runAs(const Linear& op, const Place& place) {
  constexpr int64_t OUTPUTS = 64;
  parallel(place, op.rows * blocks(op.outputs, OUTPUTS), [&](int64_t i) {
    const int64_t row = i / blocks(op.outputs, OUTPUTS), first = i % blocks(op.outputs, OUTPUTS) * OUTPUTS;
    const std::unique_ptr<float[]> x(new float[op.inputs]), weight(new float[op.inputs]);
    load(x.get(), at<T>(op.x, row * op.inputs), op.inputs, op.inputs);
    for (int64_t out = first; out < std::min(op.outputs, first + OUTPUTS); out++) {
      load(weight.get(), at<T>(op.weight, out * op.inputs), op.inputs, op.inputs);
      float sums[LANES] = {}, sum = op.bias ? widen(*at<T>(op.bias, out)) : 0.f;
      int64_t k = 0;
      for (; k + LANES <= op.inputs; k += LANES)
        for (int lane = 0; lane < LANES; lane++) sums[lane] += x[k + lane] * weight[k + lane];
      for (; k < op.inputs; k++) sum += x[k] * weight[k];
      for (const float part : sums) sum += part;
      store(static_cast<T*>(op.y) + row * op.outputs + out, &sum, 1);
    }
  });
}

template <class T>
void runAs(const CausalConv& op, const Place& place) {
  const int64_t across = blocks(op.channels, LANES);
  parallel(place, op.batch * across, [&](int64_t i) { convolve<T>(op, i / across, i % across * LANES); });
}

template <class T>
void runAs(const SelectiveScan& op, const Place& place) {
  const int64_t across = blocks(op.channels, LANES);
  parallel(place, op.batch * across, [&](int64_t i) { scan<T>(op, i / across, i % across * LANES); });
}

template <class T>
const char* runAs(const SsdScan& op, const Place& place) {
  const int64_t inner = op.heads * op.head_dim;
  if (op.tokens == 0) {
    memcpy(op.present, op.past, sizeof(float) * static_cast<size_t>(op.batch * op.state * inner));
    return nullptr;
  }
  const int64_t longest = std::min(TOKENS, op.tokens);
  void* const scratch =
      place.scratch.allocate(place.scratch.context, sizeof(float) * static_cast<size_t>(op.batch * longest * inner));
  if (!scratch && op.batch * inner > 0) return "there is no memory left for the scan's output";
  const int64_t across = blocks(op.head_dim, LANES);
  for (int64_t start = 0; start < op.tokens; start += TOKENS) {
    const Piece piece{start, std::min(TOKENS, op.tokens - start), static_cast<float*>(scratch)};
    parallel(place, op.batch * op.heads * across, [&](int64_t i) {
      scan<T>(op, piece, i / across / op.heads, i / across % op.heads, i % across * LANES);
    });
    parallel(place, op.batch * piece.tokens * op.groups, [&](int64_t i) {
      finish<T>(op, piece, i / op.groups / piece.tokens, i / op.groups % piece.tokens, i % op.groups);
    });
  }
  return nullptr;
}

}  // namespace

const char* run(const CausalConv& op, const Place& place) {
  switch (op.type) {
    case Type::float32: runAs<float>(op, place); break;
    case Type::float16: runAs<Half>(op, place); break;
    case Type::bfloat16: runAs<Brain>(op, place); break;
  }
  return nullptr;
}

const char* run(const SelectiveScan& op, const Place& place) {
  switch (op.type) {
    case Type::float32: runAs<float>(op, place); break;
    case Type::float16: runAs<Half>(op, place); break;
    case Type::bfloat16: runAs<Brain>(op, place); break;
  }
  return nullptr;
}

const char* run(const ResidualNorm& op, const Place& place) {
  switch (op.type) {
    case Type::float32: runAs<float>(op, place); break;
    case Type::float16: runAs<Half>(op, place); break;
    case Type::bfloat16: runAs<Brain>(op, place); break;
  }
  return nullptr;
}

const char* run(const Linear& op, const Place& place) {
  switch (op.type) {
    case Type::float32: runAs<float>(op, place); break;
    case Type::float16: runAs<Half>(op, place); break;
    case Type::bfloat16: runAs<Brain>(op, place); break;
  }
  return nullptr;
}

const char* run(const SsdScan& op, const Place& place) {
  switch (op.type) {
    case Type::float32: return runAs<float>(op, place);
    case Type::float16: return runAs<Half>(op, place);
    case Type::bfloat16: return runAs<Brain>(op, place);
  }
  return "the type is unknown";
}

}  // namespace ssm

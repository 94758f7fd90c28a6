// The product of one token, or a few, with a matrix: bound by reading its weights, which tensor cores do not hasten.
#pragma once
#include "common.cuh"

namespace ssm {

constexpr int LINEAR_THREADS = 128;
constexpr int LINEAR_AHEAD = 4;  // loads of a lane that are in flight

// A piece of weights, which are read once.
template <typename T, int COUNT>
__device__ __forceinline__ Pack<T, COUNT> load_once(const T* p) {
  if constexpr (sizeof(Pack<T, COUNT>) == 16) {
    const uint4 bits = __ldcs(reinterpret_cast<const uint4*>(p));
    return *reinterpret_cast<const Pack<T, COUNT>*>(&bits);
  } else
    return load<COUNT>(p);
}

// LANES lanes have one row of the weight, each every so many-th PIECE of it.
template <typename T, int LANES, int PIECE>
__global__ void __launch_bounds__(LINEAR_THREADS) linear_rows(Linear op) {
  constexpr int STEP = LANES * PIECE, WARP_LANES = LANES < 32 ? LANES : 32;
  const int lane = threadIdx.x % LANES;
  const int64_t out = int64_t(blockIdx.x) * (LINEAR_THREADS / LANES) + threadIdx.x / LANES;
  const bool real = out < op.outputs;
  const T* weight = static_cast<const T*>(op.weight) + (real ? out : 0) * op.inputs;
  const T* x = static_cast<const T*>(op.x) + blockIdx.y * op.inputs;
  float sum = 0.f;
  for (int64_t base = lane * PIECE; base < op.inputs; base += LINEAR_AHEAD * STEP) {
    Pack<T, PIECE> w[LINEAR_AHEAD], v[LINEAR_AHEAD];
#pragma unroll
    for (int k = 0; k < LINEAR_AHEAD; k++)
      if (base + k * STEP < op.inputs) {
        w[k] = load_once<T, PIECE>(weight + base + k * STEP);
        v[k] = load<PIECE>(x + base + k * STEP);
      }
#pragma unroll
    for (int k = 0; k < LINEAR_AHEAD; k++)
      if (base + k * STEP < op.inputs)
#pragma unroll
        for (int i = 0; i < PIECE; i++) sum = fmaf(widen(w[k].v[i]), widen(v[k].v[i]), sum);
  }
#pragma unroll
  for (int width = 1; width < WARP_LANES; width *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, width);
  if constexpr (LANES > 32) {
    static_assert(LANES == LINEAR_THREADS, "a row, or several, a block");
    __shared__ float sums[LINEAR_THREADS / 32];
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0.f;
#pragma unroll
    for (int warp = 0; warp < LINEAR_THREADS / 32; warp++) sum += sums[warp];
  }
  if (lane > 0 || !real) return;
  if (op.bias) sum += widen(static_cast<const T*>(op.bias)[out]);
  static_cast<T*>(op.y)[blockIdx.y * op.outputs + out] = narrow<T>(sum);
}

template <typename T, int LANES, int PIECE>
const char* linear_start(const Linear& op, cudaStream_t stream) {
  linear_rows<T, LANES, PIECE>
      <<<dim3(ceil_div(op.outputs, LINEAR_THREADS / LANES), op.rows), LINEAR_THREADS, 0, stream>>>(op);
  return launched();
}

// As few lanes a row as read it in one round of loads, or as make threads enough for all multiprocessors: within 7 % of the
// fastest of 8 to 128 lanes for eleven products of published models on an H200.
template <typename T, int PIECE>
const char* linear_by(const Linear& op, cudaStream_t stream, int multiprocessors) {
  const auto one_round = [&](int lanes) { return op.inputs <= LINEAR_AHEAD * lanes * PIECE; };
  const auto enough = [&](int lanes) { return one_round(lanes) || op.outputs * lanes >= 640 * multiprocessors; };
  if (one_round(8)) return linear_start<T, 8, PIECE>(op, stream);
  if (enough(16)) return linear_start<T, 16, PIECE>(op, stream);
  if (enough(32)) return linear_start<T, 32, PIECE>(op, stream);
  return linear_start<T, LINEAR_THREADS, PIECE>(op, stream);
}

template <typename T>
const char* linear_of(const Linear& op, cudaStream_t stream, int multiprocessors) {
  constexpr int PIECE = 16 / sizeof(T);
  return op.inputs % PIECE == 0 && aligned(op.x) && aligned(op.weight) ? linear_by<T, PIECE>(op, stream, multiprocessors)
                                                                   : linear_by<T, 1>(op, stream, multiprocessors);
}

}  // namespace ssm

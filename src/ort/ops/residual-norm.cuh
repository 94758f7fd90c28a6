#pragma once
#include "common.cuh"

namespace ssm {

constexpr int RESIDUAL_THREADS = 256;
// Rows of up to this many pieces of VECTOR a thread stay in registers between the sum and the norm.
constexpr int RESIDUAL_PIECES = 2;

// A block a row.
template <typename T>
__global__ void __launch_bounds__(RESIDUAL_THREADS) residual_norm(ResidualNorm op) {
  constexpr int STEP = RESIDUAL_THREADS * VECTOR;
  const int64_t row = int64_t(blockIdx.x) * op.channels;
  const T* delta = static_cast<const T*>(op.delta) + row;
  T* y = static_cast<T*>(op.y) + row;
  const int width = int(op.channels), first = threadIdx.x * VECTOR;
  Pack<float> kept[RESIDUAL_PIECES];
  float squares = 0.f;
#pragma unroll
  for (int piece = 0; piece < RESIDUAL_PIECES; piece++) {
    const int i = first + piece * STEP;
    if (i < width) {
      const Pack<T> added = load(delta + i);
      Pack<float>& sum = kept[piece];
      sum = load(op.stream + row + i);
#pragma unroll
      for (int v = 0; v < VECTOR; v++) {
        sum.v[v] += widen(added.v[v]);
        squares = fmaf(sum.v[v], sum.v[v], squares);
      }
      store(op.sum + row + i, sum);
    }
  }
  const float factor = rsqrtf(block_sum<RESIDUAL_THREADS>(squares) / float(width) + op.epsilon);
#pragma unroll
  for (int piece = 0; piece < RESIDUAL_PIECES; piece++) {
    const int i = first + piece * STEP;
    if (i < width) {
      const Pack<float> weight = load(op.weight + i);
      Pack<T> out;
#pragma unroll
      for (int v = 0; v < VECTOR; v++) out.v[v] = narrow<T>(kept[piece].v[v] * factor * weight.v[v]);
      store(y + i, out);
    }
  }
}

// Any width, any alignment; what was summed is read again.
template <typename T>
__global__ void __launch_bounds__(RESIDUAL_THREADS) residual_norm_of_any(ResidualNorm op) {
  const int64_t row = int64_t(blockIdx.x) * op.channels;
  float squares = 0.f;
  for (int64_t i = threadIdx.x; i < op.channels; i += RESIDUAL_THREADS) {
    const float sum = op.stream[row + i] + widen(static_cast<const T*>(op.delta)[row + i]);
    op.sum[row + i] = sum;
    squares = fmaf(sum, sum, squares);
  }
  const float factor = rsqrtf(block_sum<RESIDUAL_THREADS>(squares) / float(op.channels) + op.epsilon);
  for (int64_t i = threadIdx.x; i < op.channels; i += RESIDUAL_THREADS)
    static_cast<T*>(op.y)[row + i] = narrow<T>(op.sum[row + i] * factor * op.weight[i]);
}

template <typename T>
const char* residual_norm_of(const ResidualNorm& op, cudaStream_t stream) {
  if (op.rows == 0) return nullptr;
  const bool wide = op.channels % VECTOR == 0 && op.channels <= RESIDUAL_PIECES * RESIDUAL_THREADS * VECTOR &&
                    aligned(op.delta) && aligned(op.stream) && aligned(op.weight) && aligned(op.y) && aligned(op.sum);
  const dim3 grid(static_cast<unsigned>(op.rows));
  if (wide)
    residual_norm<T><<<grid, RESIDUAL_THREADS, 0, stream>>>(op);
  else
    residual_norm_of_any<T><<<grid, RESIDUAL_THREADS, 0, stream>>>(op);
  return launched();
}

}  // namespace ssm

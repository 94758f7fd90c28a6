#pragma once
#include "common.cuh"

namespace ssm {

constexpr int CONV_WIDTH = 4;  // narrower filters have leading zeros
constexpr int CONV_THREADS = 128;

// Each thread takes V channels over a tile of tokens, the filter's window in registers.
template <typename T, int V>
__global__ void __launch_bounds__(CONV_THREADS) causal_conv(CausalConv op, int tile) {
  const int64_t channel = (int64_t(blockIdx.x) * CONV_THREADS + threadIdx.x) * V;
  if (channel >= op.channels) return;
  const int64_t start = int64_t(blockIdx.y) * tile, end = min(op.tokens, start + tile);
  const int width = int(op.width), kept = width - 1;
  const int64_t sequence = blockIdx.z;
  const T* x = static_cast<const T*>(op.x.data) + sequence * op.tokens * op.x.stride + channel;
  const T* past = static_cast<const T*>(op.past) + (sequence * op.channels + channel) * kept;

  float weight[V][CONV_WIDTH], bias[V], window[V][CONV_WIDTH];
#pragma unroll
  for (int v = 0; v < V; v++) {
    bias[v] = widen(static_cast<const T*>(op.bias)[channel + v]);
#pragma unroll
    for (int k = 0; k < CONV_WIDTH; k++) {
      const int own = k - (CONV_WIDTH - width);
      weight[v][k] = own < 0 ? 0.f : widen(static_cast<const T*>(op.weight)[(channel + v) * width + own]);
    }
  }
  // window[.][1 ...] holds the inputs before `start`, as a shift comes before every token.
#pragma unroll
  for (int k = 1; k < CONV_WIDTH; k++) {
    const int64_t at = start - CONV_WIDTH + k;
    const int64_t before = at + kept;  // index into the past where `at` is negative
#pragma unroll
    for (int v = 0; v < V; v++)
      window[v][k] = at >= 0 ? widen(x[at * op.x.stride + v]) : before >= 0 ? widen(past[v * kept + before]) : 0.f;
  }
  T* y = static_cast<T*>(op.y) + sequence * op.tokens * op.channels + channel;
#pragma unroll 4
  for (int64_t t = start; t < end; t++) {
    const Pack<T, V> in = load<V>(x + t * op.x.stride);
    Pack<T, V> out;
#pragma unroll
    for (int v = 0; v < V; v++) {
      float sum = bias[v];
#pragma unroll
      for (int k = 0; k + 1 < CONV_WIDTH; k++) {
        window[v][k] = window[v][k + 1];
        sum = fmaf(weight[v][k], window[v][k], sum);
      }
      window[v][CONV_WIDTH - 1] = widen(in.v[v]);
      sum = fmaf(weight[v][CONV_WIDTH - 1], window[v][CONV_WIDTH - 1], sum);
      out.v[v] = narrow<T>(silu(sum));
    }
    store(y + t * op.channels, out);
  }
  if (end == op.tokens) {
    T* present = static_cast<T*>(op.present) + (sequence * op.channels + channel) * kept;
#pragma unroll
    for (int k = 1; k < CONV_WIDTH; k++) {
      const int own = k - (CONV_WIDTH - kept);
      if (own >= 0)
#pragma unroll
        for (int v = 0; v < V; v++) present[v * kept + own] = narrow<T>(window[v][k]);
    }
  }
}

template <typename T>
const char* causal_conv_of(const CausalConv& op, cudaStream_t stream) {
  // More channels a thread need more registers than leave enough threads to hide the latency of memory.
  constexpr int WIDE = 4;
  const bool wide = aligned(op.x, sizeof(T)) && op.channels % WIDE == 0;
  const int tile = 16;
  const int64_t threads = wide ? op.channels / WIDE : op.channels;
  const dim3 grid(ceil_div(threads, CONV_THREADS), ceil_div(op.tokens, tile), op.batch);
  if (grid.y > 65535 || grid.z > 65535) return "CausalConv takes at most 1048560 tokens and 65535 sequences at a time on CUDA";
  if (wide)
    causal_conv<T, WIDE><<<grid, CONV_THREADS, 0, stream>>>(op, tile);
  else
    causal_conv<T, 1><<<grid, CONV_THREADS, 0, stream>>>(op, tile);
  return launched();
}

}  // namespace ssm

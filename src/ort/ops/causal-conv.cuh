#pragma once
#include "common.cuh"

namespace ssm {

constexpr int CONV_WIDTH = 4;  // narrower filters have leading zeros
constexpr int CONV_THREADS = 128;

// Each thread takes V channels over a tile of tokens, the filter's window in registers. With V > 1 the filter is CONV_WIDTH
// wide and everything aligned.
template <typename T, int V>
__global__ void __launch_bounds__(CONV_THREADS) causal_conv(CausalConv op, int tile) {
  const int64_t channel = (int64_t(blockIdx.x) * CONV_THREADS + threadIdx.x) * V;
  if (channel >= op.channels) return;
  const int64_t start = int64_t(blockIdx.y) * tile, end = min(op.tokens, start + tile);
  const int width = V > 1 ? CONV_WIDTH : int(op.width), kept = width - 1;
  const int64_t sequence = blockIdx.z;
  const T* x = static_cast<const T*>(op.x.data) + sequence * op.tokens * op.x.stride + channel;
  const T* past = static_cast<const T*>(op.past) + (sequence * op.channels + channel) * kept;

  // Loads first, arithmetic after: a store between two loads would make the second wait, for it might be to the same memory.
  constexpr int KEPT = CONV_WIDTH - 1;
  Pack<T, V * CONV_WIDTH> filter;
  Pack<T, V> before[KEPT], added;  // the inputs before `start`
  if constexpr (V > 1) {
    filter = load<V * CONV_WIDTH>(static_cast<const T*>(op.weight) + channel * CONV_WIDTH);
    added = load<V>(static_cast<const T*>(op.bias) + channel);
    Pack<T, V> old[KEPT];
    if (start == 0)
#pragma unroll
      for (int k = 0; k < KEPT; k++) old[k] = load<V>(past + k * V);
#pragma unroll
    for (int k = 0; k < KEPT; k++)
      if (start + k >= KEPT)
        before[k] = load<V>(x + (start + k - KEPT) * op.x.stride);
      else
#pragma unroll
        for (int v = 0; v < V; v++) before[k].v[v] = old[(v * KEPT + k) / V].v[(v * KEPT + k) % V];
  } else {
    added.v[0] = static_cast<const T*>(op.bias)[channel];
#pragma unroll
    for (int k = 0; k < CONV_WIDTH; k++) {
      const int own = k - (CONV_WIDTH - width);
      filter.v[k] = own < 0 ? narrow<T>(0.f) : static_cast<const T*>(op.weight)[channel * width + own];
    }
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
      const int64_t at = start + k - KEPT, old = at + kept;  // `old` into the past where `at` is negative
      before[k].v[0] = at >= 0 ? x[at * op.x.stride] : old >= 0 ? past[old] : narrow<T>(0.f);
    }
  }
  float window[V][CONV_WIDTH];  // window[.][1 ...] holds the inputs before a token, as a shift comes before every token
#pragma unroll
  for (int v = 0; v < V; v++)
#pragma unroll
    for (int k = 0; k < KEPT; k++) window[v][k + 1] = widen(before[k].v[v]);

  T* y = static_cast<T*>(op.y) + sequence * op.tokens * op.channels + channel;
  constexpr int AHEAD = 8;
  for (int64_t base = start; base < end; base += AHEAD) {
    Pack<T, V> in[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (base + i < end) in[i] = load<V>(x + (base + i) * op.x.stride);
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (base + i < end) {
        Pack<T, V> out;
#pragma unroll
        for (int v = 0; v < V; v++) {
          float sum = widen(added.v[v]);
#pragma unroll
          for (int k = 0; k < KEPT; k++) {
            window[v][k] = window[v][k + 1];
            sum = fmaf(widen(filter.v[v * CONV_WIDTH + k]), window[v][k], sum);
          }
          window[v][KEPT] = widen(in[i].v[v]);
          sum = fmaf(widen(filter.v[v * CONV_WIDTH + KEPT]), window[v][KEPT], sum);
          out.v[v] = narrow<T>(silu(sum));
        }
        store(y + (base + i) * op.channels, out);
      }
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
const char* causal_conv_of(const CausalConv& op, cudaStream_t stream, int multiprocessors) {
  // More channels a thread need more registers than leave enough threads to hide the latency of memory.
  constexpr int WIDE = 4;
  const bool wide = op.width == CONV_WIDTH && aligned(op.x, sizeof(T)) && op.channels % WIDE == 0 && aligned(op.weight) &&
                    aligned(op.bias) && aligned(op.past) && aligned(op.y);
  const int64_t threads = wide ? op.channels / WIDE : op.channels, across = ceil_div(threads, CONV_THREADS) * op.batch;
  // Every tile reads the filter and the tokens before it: long ones, as long as all multiprocessors have some.
  int tile = 16;
  while (tile < 64 && across * ceil_div(op.tokens, 2 * tile) >= 4 * multiprocessors) tile *= 2;
  const dim3 grid(ceil_div(threads, CONV_THREADS), ceil_div(op.tokens, tile), op.batch);
  if (grid.y > 65535 || grid.z > 65535) return "CausalConv takes at most 1048560 tokens and 65535 sequences at a time on CUDA";
  if (wide)
    causal_conv<T, WIDE><<<grid, CONV_THREADS, 0, stream>>>(op, tile);
  else
    causal_conv<T, 1><<<grid, CONV_THREADS, 0, stream>>>(op, tile);
  return launched();
}

}  // namespace ssm

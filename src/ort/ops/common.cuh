// What the kernels share: number types, 16-byte loads, copies into shared memory that overlap computation.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdio.h>
#include "kernels.h"

namespace ssm {

using half = __half;
using bfloat = __nv_bfloat16;

__device__ __forceinline__ float widen(float v) { return v; }
__device__ __forceinline__ float widen(half v) { return __half2float(v); }
__device__ __forceinline__ float widen(bfloat v) { return __bfloat162float(v); }

template <typename T>
__device__ __forceinline__ T narrow(float v);
template <>
__device__ __forceinline__ float narrow<float>(float v) { return v; }
template <>
__device__ __forceinline__ half narrow<half>(float v) { return __float2half_rn(v); }
template <>
__device__ __forceinline__ bfloat narrow<bfloat>(float v) { return __float2bfloat16_rn(v); }

// Elements that are loaded and stored in one piece where they are aligned.
constexpr int VECTOR = 8;

template <typename T, int COUNT = VECTOR>
struct alignas(sizeof(T) * COUNT > 16 ? 16 : sizeof(T) * COUNT) Pack {
  T v[COUNT];
};

template <int COUNT = VECTOR, typename T>
__device__ __forceinline__ Pack<T, COUNT> load(const T* p) { return *reinterpret_cast<const Pack<T, COUNT>*>(p); }
template <typename T, int COUNT>
__device__ __forceinline__ void store(T* p, const Pack<T, COUNT>& pack) { *reinterpret_cast<Pack<T, COUNT>*>(p) = pack; }

__device__ __forceinline__ float silu(float v) { return __fdividef(v, 1.f + __expf(-v)); }

// log(1 + e^v) to 1e-6 of itself: below −5, where 1 + e^v has lost digits, by its series.
__device__ __forceinline__ float softplus(float v) {
  const float e = __expf(v);
  const float series = e * (1.f - e * (0.5f - e * (1.f / 3.f - e * 0.25f)));
  return v > 20.f ? v : v < -5.f ? series : __logf(1.f + e);
}

__device__ __forceinline__ float exp2_fast(float v) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
  return r;
}

// A number that a template can be chosen by.
template <int N>
struct Number {
  static constexpr int value = N;
};

constexpr float LOG2_E = 1.4426950408889634f;

// 16 bytes from global to shared memory, or zeros; done after copies_wait.
__device__ __forceinline__ void copy16(void* shared, const void* global, bool inside) {
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes));
}
__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;"); }
template <int PENDING>
__device__ __forceinline__ void copies_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(PENDING)); }

// Of one number a thread, given to all of the block, which has THREADS and comes here together.
template <int THREADS>
__device__ __forceinline__ float block_sum(float value) {
  __shared__ float sums[THREADS / 32];
#pragma unroll
  for (int width = 16; width > 0; width /= 2) value += __shfl_xor_sync(0xffffffffu, value, width);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0.f;
#pragma unroll
  for (int warp = 0; warp < THREADS / 32; warp++) sum += sums[warp];
  return sum;
}

inline bool aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; }
inline bool aligned(const Section& s, size_t size) { return aligned(s.data) && s.stride * size % 16 == 0; }

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What became of the launches so far: nullptr, or the error, in the words by which a lost device is known.
inline const char* launched() {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return nullptr;
  thread_local char text[256];
  snprintf(text, sizeof text, "CUDA error %d: %s", int(error), cudaGetErrorString(error));
  return text;
}

// Whether a block can have as much shared memory: GPUs have 99 to 227 KB.
inline bool fits(size_t bytes) {
  static const int most = [] {
    int device = 0, found = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&found, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    return found;
  }();
  return bytes <= size_t(most);
}

}  // namespace ssm

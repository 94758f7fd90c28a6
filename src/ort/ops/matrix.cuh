// Products of 16-bit matrices on tensor cores (mma.m16n8k16), from shared memory.
//
// Matrices lie in shared memory as rows of WIDTH elements in pieces of 16 bytes, the pieces of a row exchanged by an
// exclusive or with its number, so that eight rows read at one column touch all banks.
#pragma once
#include "common.cuh"

namespace ssm {

template <typename T, int WIDTH>
__device__ __forceinline__ T* element(T* matrix, int row, int column) {
  return matrix + row * WIDTH + ((column / VECTOR ^ (row & 7)) * VECTOR | column % VECTOR);
}

// ROWS rows of WIDTH elements; rows from `inside` on are zeros.
template <typename T, int ROWS, int WIDTH, int THREADS>
__device__ __forceinline__ void copy_matrix(T* to, const T* from, int64_t stride, int inside) {
  constexpr int PIECES = WIDTH / VECTOR;
  for (int i = threadIdx.x; i < ROWS * PIECES; i += THREADS) {
    const int row = i / PIECES, column = i % PIECES * VECTOR;
    copy16(element<T, WIDTH>(to, row, column), from + (row < inside ? row : 0) * stride + column, row < inside);
  }
}

using Fragment = unsigned;

// Four 8 × 8 blocks, whose rows the lanes' pointers name: 0–7 the first block's, and so on.
__device__ __forceinline__ void load_blocks(Fragment (&r)[4], const void* row) {
  const unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at));
}
__device__ __forceinline__ void load_blocks_transposed(Fragment (&r)[4], const void* row) {
  const unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at));
}

// The left operand, 16 × 16 of a matrix [rows, depth].
template <typename T, int WIDTH>
__device__ __forceinline__ void load_left(Fragment (&r)[4], T* m, int row, int depth) {
  const int lane = threadIdx.x % 32;
  load_blocks(r, element<T, WIDTH>(m, row + lane % 16, depth + lane / 16 * 8));
}
// The left operand, 16 × 16 of the transpose of a matrix [depth, rows].
template <typename T, int WIDTH>
__device__ __forceinline__ void load_left_transposed(Fragment (&r)[4], T* m, int row, int depth) {
  const int lane = threadIdx.x % 32;
  load_blocks_transposed(r, element<T, WIDTH>(m, depth + lane % 8 + lane / 16 * 8, row + lane / 8 % 2 * 8));
}
// The right operands of two products side by side, each 16 × 8, of a matrix [columns, depth].
template <typename T, int WIDTH>
__device__ __forceinline__ void load_right_transposed(Fragment (&r)[4], T* m, int depth, int column) {
  const int lane = threadIdx.x % 32;
  load_blocks(r, element<T, WIDTH>(m, column + lane % 8 + lane / 16 * 8, depth + lane / 8 % 2 * 8));
}
// The same of a matrix [depth, columns].
template <typename T, int WIDTH>
__device__ __forceinline__ void load_right(Fragment (&r)[4], T* m, int depth, int column) {
  const int lane = threadIdx.x % 32;
  load_blocks_transposed(r, element<T, WIDTH>(m, depth + lane % 16, column + lane / 16 * 8));
}

// sum += left · right. A lane holds rows lane / 4 and lane / 4 + 8 of the sum, columns 2 (lane % 4) and the next.
template <typename T>
__device__ __forceinline__ void multiply_add(float (&sum)[4], const Fragment (&left)[4], Fragment b0, Fragment b1);
template <>
__device__ __forceinline__ void multiply_add<half>(float (&s)[4], const Fragment (&a)[4], Fragment b0, Fragment b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(s[0]), "+f"(s[1]), "+f"(s[2]), "+f"(s[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void multiply_add<bfloat>(float (&s)[4], const Fragment (&a)[4], Fragment b0, Fragment b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(s[0]), "+f"(s[1]), "+f"(s[2]), "+f"(s[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <typename T>
struct Pair;
template <>
struct Pair<half> {
  using type = __half2;
  static __device__ __forceinline__ __half2 of(float a, float b) { return __floats2half2_rn(a, b); }
  static __device__ __forceinline__ float2 widen(__half2 p) { return __half22float2(p); }
};
template <>
struct Pair<bfloat> {
  using type = __nv_bfloat162;
  static __device__ __forceinline__ __nv_bfloat162 of(float a, float b) { return __floats2bfloat162_rn(a, b); }
  static __device__ __forceinline__ float2 widen(__nv_bfloat162 p) { return __bfloat1622float2(p); }
};
template <typename T>
__device__ __forceinline__ Fragment pack(float a, float b) {
  const typename Pair<T>::type p = Pair<T>::of(a, b);
  return *reinterpret_cast<const Fragment*>(&p);
}
template <typename T>
__device__ __forceinline__ float2 unpack(Fragment f) { return Pair<T>::widen(*reinterpret_cast<typename Pair<T>::type*>(&f)); }

}  // namespace ssm

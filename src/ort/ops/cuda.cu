// The operators on CUDA.
#include "causal-conv.cuh"
#include "linear.cuh"
#include "residual-norm.cuh"
#include "selective-scan.cuh"
#include "ssd-scan.cuh"

namespace ssm {

namespace {

int multiprocessors() {
  static const int count = [] {
    int device = 0, found = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, device);
    return found;
  }();
  return count;
}

}  // namespace

const char* run(const CausalConv& op, const Place& place) {
  if (op.width > CONV_WIDTH) return "CausalConv has a width of at most 4 on CUDA";
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  switch (op.type) {
    case Type::float32: return causal_conv_of<float>(op, stream, multiprocessors());
    case Type::float16: return causal_conv_of<half>(op, stream, multiprocessors());
    default: return causal_conv_of<bfloat>(op, stream, multiprocessors());
  }
}

const char* run(const SelectiveScan& op, const Place& place) {
  switch (op.type) {
    case Type::float32: return selective_scan_of<float>(op, place, multiprocessors());
    case Type::float16: return selective_scan_of<half>(op, place, multiprocessors());
    default: return selective_scan_of<bfloat>(op, place, multiprocessors());
  }
}

const char* run(const ResidualNorm& op, const Place& place) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  switch (op.type) {
    case Type::float32: return residual_norm_of<float>(op, stream);
    case Type::float16: return residual_norm_of<half>(op, stream);
    default: return residual_norm_of<bfloat>(op, stream);
  }
}

const char* run(const Linear& op, const Place& place) {
  const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
  switch (op.type) {
    case Type::float32: return linear_of<float>(op, stream, multiprocessors());
    case Type::float16: return linear_of<half>(op, stream, multiprocessors());
    default: return linear_of<bfloat>(op, stream, multiprocessors());
  }
}

const char* run(const SsdScan& op, const Place& place) {
  switch (op.type) {
    case Type::float32: return ssd_scan_of<float>(op, place, multiprocessors());
    case Type::float16: return ssd_scan_of<half>(op, place, multiprocessors());
    default: return ssd_scan_of<bfloat>(op, place, multiprocessors());
  }
}

}  // namespace ssm

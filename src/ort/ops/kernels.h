// What the operators compute, apart from how ONNX Runtime hands them their tensors. Implemented once for the CPU
// (cpu.cc) and once for CUDA (cuda.cu); operators.cc registers whichever it is compiled with.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace ssm {

enum class Type { float32, float16, bfloat16 };

// A section of the channels of [batch, tokens, stride]: many results of one product need no copy to be told apart.
struct Section {
  const void* data;  // of the section's first channel at the first token
  int64_t stride;    // elements from one token to the next
};

// Memory of the call's own, gone when it ends. On CUDA ordered with the stream, from ONNX Runtime's arena, so that it is
// counted and limited like any other.
struct Scratch {
  void* (*allocate)(void* context, size_t bytes);  // nullptr: there is none left
  void* context;
};

// Where a call runs. CPU: `parallel` runs body(argument, i) for every i < count, on several threads.
struct Place {
  void* stream;
  Scratch scratch;
  void (*parallel)(void* context, void (*body)(void* argument, size_t i), size_t count, void* argument);
  void* context;
};

// y_t = SiLU(Σ_k w[k] x_{t−width+1+k} + bias) in each channel.
struct CausalConv {
  Type type;
  int64_t batch, tokens, channels, width;  // width ≤ 4
  Section x;
  const void *weight, *bias;  // [channels, width], [channels]
  const void* past;           // [batch, channels, width − 1], oldest first
  void *y, *present;          // [batch, tokens, channels]; as past, and not the same memory
};

// Mamba-1, in each channel: Δ_t = softplus(step_t + step_bias), S_t = exp(Δ_t a) ⊙ S_{t−1} + Δ_t x_t b_t,
// y_t = (c_t · S_t + skip x_t) SiLU(gate_t).
struct SelectiveScan {
  Type type;
  int64_t batch, tokens, channels, state;
  Section x, step, b, c, gate;  // channels wide but b and c, which are `state` wide; gate.data may be nullptr: no gate
  const float *step_bias, *a;   // [channels], [channels, state]; a ≤ 0
  const void* skip;             // [channels]
  const float* past;            // [batch, channels, state]
  void* y;                      // [batch, tokens, channels]
  float* present;               // as past, and not the same memory
};

// sum = stream + delta; y = RMSNorm(sum) ⊙ weight.
struct ResidualNorm {
  Type type;  // of delta and y
  int64_t rows, channels;
  const void* delta;            // [rows, channels]
  const float *stream, *weight; // [rows, channels], [channels]
  float epsilon;
  void* y;                      // [rows, channels]
  float* sum;                   // as stream, and may be the same memory
};

// y = x weightᵀ + bias.
struct Linear {
  Type type;
  int64_t rows, inputs, outputs;
  const void *x, *weight, *bias;  // [rows, inputs], [outputs, inputs], [outputs] or nullptr
  void* y;                        // [rows, outputs]
};

enum class Norm { none, after_gate, before_gate };

// Mamba-2, in each head: Δ_t = softplus(step_t + step_bias), S_t = exp(Δ_t a) S_{t−1} + b_t ⊗ Δ_t x_t,
// y_t = c_t S_t + skip x_t; then the gate, and RMSNorm over the channels of each group.
struct SsdScan {
  Type type;
  int64_t batch, tokens, heads, head_dim, groups, state;
  Section x, step, b, c, gate;  // heads·head_dim, heads, groups·state (twice) and heads·head_dim wide; gate may be none
  const float *step_bias, *a;   // [heads]; a ≤ 0
  const void* skip;             // [heads]
  Norm norm;
  const void* norm_weight;      // [heads·head_dim], or nullptr with Norm::none
  float norm_epsilon;
  const float* past;            // [batch, heads, state, head_dim]
  void* y;                      // [batch, tokens, heads·head_dim]
  float* present;               // as past, and not the same memory
};

// nullptr, or what went wrong: a sentence in static memory.
const char* run(const CausalConv&, const Place&);
const char* run(const SelectiveScan&, const Place&);
const char* run(const SsdScan&, const Place&);
const char* run(const ResidualNorm&, const Place&);
const char* run(const Linear&, const Place&);

}  // namespace ssm

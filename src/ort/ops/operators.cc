// The operators as ONNX Runtime sees them: names, types, attributes, shapes. What they compute is behind kernels.h.
//
//     CausalConv     x, weight [channels, 1, width], bias, past -> y, present
//     SelectiveScan  x, step, b, c, step_bias, a, skip, past [, gate] -> y, present
//     SsdScan        x, step, b, c, step_bias, a, skip, past [, gate [, norm_weight]] -> y, present
//     ResidualNorm   delta, stream, weight -> y, sum
//     Linear         x [..., inputs], weight [outputs, inputs] [, bias] -> y
//
// x, step, b, c and gate are [batch, tokens, …]: the operator reads the channels it needs, from NAME_offset on (default 0).
// SsdScan also has `groups`, `norm` (0 none, 1 after the gate, 2 before it) and `norm_epsilon`.
#include <string.h>

#include <string>
#include <type_traits>
#include <vector>

#include "kernels.h"
#include "ort-abi.h"

namespace {

using ssm::Type;

#ifdef __CUDACC__
constexpr const char* PROVIDER = "CUDAExecutionProvider";
#else
constexpr const char* PROVIDER = "CPUExecutionProvider";
#endif

const void* const* api;

// A status that ONNX Runtime gave.
struct Failed {
  OrtStatus* status;
};

// Something wrong with an operator's inputs or attributes, in one sentence.
struct Refused {
  std::string why;
};

// A function of the C API that returns nothing but a status.
template <class... Arguments>
OrtStatus* ask(ort::Index index, Arguments... arguments) {
  return reinterpret_cast<OrtStatus* (*)(Arguments...)>(const_cast<void*>(api[index]))(arguments...);
}

template <class... Arguments>
void call(ort::Index index, Arguments... arguments) {
  if (OrtStatus* status = ask(index, arguments...)) throw Failed{status};
}

// A function that cannot fail: the Release… ones.
template <class T>
void release(ort::Index index, T* what) {
  reinterpret_cast<void (*)(T*)>(const_cast<void*>(api[index]))(what);
}

// Runs `body`; what it throws of ours becomes a status. Exceptions of ONNX Runtime pass: it catches them itself.
template <class Body>
OrtStatus* guarded(const char* name, Body body) {
  try {
    body();
    return nullptr;
  } catch (const Failed& failed) {
    return failed.status;
  } catch (const Refused& refused) {
    const std::string text = std::string(name) + ": " + refused.why;
    return reinterpret_cast<OrtStatus* (*)(int, const char*)>(const_cast<void*>(api[ort::CreateStatus]))(
        ort::INVALID_ARGUMENT, text.c_str());
  }
}

using Shape = std::vector<int64_t>;

// -1: any size.
std::string describe(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); i++)
    text += (i ? ", " : "") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  return text + "]";
}

struct Tensor {
  const char* name;
  char* data = nullptr;  // nullptr: an optional input that was left out
  Shape shape{};

  void need(const Shape& wanted) const {
    bool fits = shape.size() == wanted.size();
    for (size_t i = 0; fits && i < wanted.size(); i++) fits = wanted[i] < 0 || shape[i] == wanted[i];
    if (!fits) throw Refused{std::string(name) + " is " + describe(shape) + "; it must be " + describe(wanted)};
  }

  // Whatever its dimensions: heads may be held by group.
  void needElements(int64_t wanted) const {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    if (!data || count != wanted)
      throw Refused{std::string(name) + " is " + (data ? describe(shape) : "left out") + "; it must have " +
                    std::to_string(wanted) + " elements"};
  }
};

Shape shapeOf(const OrtTensorTypeAndShapeInfo* info) {
  size_t rank = 0;
  call(ort::GetDimensionsCount, info, &rank);
  Shape shape(rank);
  call(ort::GetDimensions, info, shape.data(), rank);
  return shape;
}

// One run of one node.
class Call {
 public:
  Call(OrtKernelContext* context, OrtAllocator* allocator, Type type)
      : type(type), context(context), allocator(allocator) {}
  Call(const Call&) = delete;

  ~Call() {
    // On CUDA whoever is given the memory next uses it on the same stream, after this.
    for (void* memory : allocated) ask(ort::AllocatorFree, allocator, memory);
  }

  Tensor input(size_t index, const char* name) const {
    Tensor tensor{name};
    size_t count = 0;
    call(ort::KernelContext_GetInputCount, context, &count);
    if (index >= count) return tensor;
    const OrtValue* value = nullptr;
    call(ort::KernelContext_GetInput, context, index, &value);
    if (!value) return tensor;
    call(ort::GetTensorMutableData, value, reinterpret_cast<void**>(&tensor.data));
    OrtTensorTypeAndShapeInfo* info = nullptr;
    call(ort::GetTensorTypeAndShape, value, &info);
    tensor.shape = shapeOf(info);
    release(ort::ReleaseTensorTypeAndShapeInfo, info);
    return tensor;
  }

  // Channels `offset` up to `offset` + `width` of an input [batch, tokens, …].
  ssm::Section section(size_t index, const char* name, int64_t offset, int64_t width, const Tensor& x) const {
    return section(input(index, name), offset, width, x);
  }

  ssm::Section section(const Tensor& tensor, int64_t offset, int64_t width, const Tensor& x) const {
    const bool alike = tensor.shape.size() == 3 && x.shape.size() == 3 && tensor.shape[0] == x.shape[0] &&
                       tensor.shape[1] == x.shape[1];
    if (!alike || offset < 0 || offset + width > tensor.shape[2]) {
      const std::string leading = x.shape.size() == 3
                                      ? std::to_string(x.shape[0]) + ", " + std::to_string(x.shape[1])
                                      : "batch, tokens";
      throw Refused{std::string(tensor.name) + " is " + describe(tensor.shape) + "; it must be [" + leading +
                    ", channels] with " + std::to_string(width) + " channels from " + std::to_string(offset) +
                    " on"};
    }
    return {tensor.data + offset * (type == Type::float32 ? 4 : 2), tensor.shape[2]};
  }

  void* output(size_t index, const Shape& shape) const {
    OrtValue* value = nullptr;
    call(ort::KernelContext_GetOutput, context, index, shape.data(), shape.size(), &value);
    void* data = nullptr;
    call(ort::GetTensorMutableData, value, &data);
    return data;
  }

  // The state after the call. It is written while the state before it is read.
  template <class T>
  T* present(const Tensor& past) const {
    void* memory = output(1, past.shape);
    if (memory == past.data && memory) throw Refused{"past and present are the same memory; they must be two tensors"};
    return static_cast<T*>(memory);
  }

  template <class Arguments>
  void run(const Arguments& arguments) {
    void* stream = nullptr;
#ifdef __CUDACC__
    call(ort::KernelContext_GetGPUComputeStream, static_cast<const OrtKernelContext*>(context), &stream);
#endif
    const char* problem = ssm::run(arguments, ssm::Place{stream, {allocate, this}, parallel, context});
    if (failure) throw Failed{failure};
    if (problem) throw Refused{problem};
  }

  const Type type;

 private:
  static void* allocate(void* self, size_t bytes) { return static_cast<Call*>(self)->allocate(bytes); }

  void* allocate(size_t bytes) {
    if (bytes == 0 || failure) return nullptr;
    void* memory = nullptr;
#ifdef __CUDACC__
    // Like AllocatorAlloc, and the arena knows the stream: it may hand out what earlier nodes have let go of.
    const OrtMemoryInfo* place = nullptr;
    failure = ask(ort::AllocatorGetInfo, static_cast<const OrtAllocator*>(allocator), &place);
    if (!failure)
      failure = ask(ort::KernelContext_GetScratchBuffer, static_cast<const OrtKernelContext*>(context), place, bytes,
                    &memory);
#else
    failure = ask(ort::AllocatorAlloc, allocator, bytes, &memory);
#endif
    if (memory) allocated.push_back(memory);
    return memory;
  }

  static void parallel(void* context, void (*body)(void*, size_t), size_t count, void* argument) {
    if (count == 1) return body(argument, 0);
    if (count == 0) return;
    call(ort::KernelContext_ParallelFor, static_cast<const OrtKernelContext*>(context), body, count, size_t{0},
         argument);
  }

  OrtKernelContext* context;
  OrtAllocator* allocator;
  std::vector<void*> allocated;
  OrtStatus* failure = nullptr;
};

// A node's attributes.
struct Attributes {
  const OrtKernelInfo* info;

  int64_t integer(const char* name) const {
    int64_t value = 0;
    if (OrtStatus* absent = ask(ort::KernelInfoGetAttribute_int64, info, name, &value)) {
      release(ort::ReleaseStatus, absent);
      return 0;
    }
    return value;
  }

  float number(const char* name) const {
    float value = 0;
    if (OrtStatus* absent = ask(ort::KernelInfoGetAttribute_float, info, name, &value)) {
      release(ort::ReleaseStatus, absent);
      return 0;
    }
    return value;
  }
};

// An operator: its name, which of its inputs are float32 whatever the type of the activations, how many there are, how
// many of them must be there; where the last dimension of y is found; and a node of it.

struct CausalConvNode {
  static constexpr const char* NAME = "CausalConv";
  static constexpr size_t INPUTS = 4, NEEDED = 4, OUTPUTS = 2, LIKE = 3;
  static bool isFloat32(size_t) { return false; }
  static constexpr bool FLOAT32_STATE = false;
  static int64_t channels(const Shape& past) { return past.size() == 3 ? past[1] : -1; }

  int64_t offset;
  explicit CausalConvNode(Attributes of) : offset(of.integer("x_offset")) {}

  void compute(Call& node) const {
    const Tensor x = node.input(0, "x"), weight = node.input(1, "weight"), bias = node.input(2, "bias");
    const Tensor past = node.input(3, "past");
    weight.need({-1, 1, -1});
    const int64_t channels = weight.shape[0], width = weight.shape[2];
    if (width < 1 || width > 4) throw Refused{"the convolution is " + std::to_string(width) + " wide; it must be 1 to 4"};
    bias.needElements(channels);
    const ssm::Section section = node.section(x, offset, channels, x);
    const int64_t batch = x.shape[0], tokens = x.shape[1];
    past.need({batch, channels, width - 1});
    void* y = node.output(0, {batch, tokens, channels});
    void* present = node.present<void>(past);
    node.run(ssm::CausalConv{node.type, batch, tokens, channels, width, section, weight.data, bias.data, past.data, y,
                             present});
  }
};

struct Offsets {
  int64_t x, step, b, c, gate;
  explicit Offsets(Attributes of)
      : x(of.integer("x_offset")),
        step(of.integer("step_offset")),
        b(of.integer("b_offset")),
        c(of.integer("c_offset")),
        gate(of.integer("gate_offset")) {}
};

template <class T>
const float* floats(const T& tensor) {
  return reinterpret_cast<const float*>(tensor.data);
}

// step_bias, a and past of the scans.
bool isFloat32OfScan(size_t input) { return input == 4 || input == 5 || input == 7; }

struct SelectiveScanNode {
  static constexpr const char* NAME = "SelectiveScan";
  static constexpr size_t INPUTS = 9, NEEDED = 8, OUTPUTS = 2, LIKE = 7;
  static bool isFloat32(size_t input) { return isFloat32OfScan(input); }
  static constexpr bool FLOAT32_STATE = true;
  static int64_t channels(const Shape& past) { return past.size() == 3 ? past[1] : -1; }

  Offsets offset;
  explicit SelectiveScanNode(Attributes of) : offset(of) {}

  void compute(Call& node) const {
    const Tensor x = node.input(0, "x"), stepBias = node.input(4, "step_bias"), a = node.input(5, "a");
    const Tensor skip = node.input(6, "skip"), past = node.input(7, "past"), gate = node.input(8, "gate");
    a.need({-1, -1});
    const int64_t channels = a.shape[0], state = a.shape[1];
    const ssm::Section section = node.section(x, offset.x, channels, x);
    const int64_t batch = x.shape[0], tokens = x.shape[1];
    stepBias.needElements(channels);
    skip.needElements(channels);
    past.need({batch, channels, state});
    ssm::SelectiveScan scan{};
    scan.type = node.type;
    scan.batch = batch, scan.tokens = tokens, scan.channels = channels, scan.state = state;
    scan.x = section;
    scan.step = node.section(1, "step", offset.step, channels, x);
    scan.b = node.section(2, "b", offset.b, state, x);
    scan.c = node.section(3, "c", offset.c, state, x);
    if (gate.data) scan.gate = node.section(gate, offset.gate, channels, x);
    scan.step_bias = floats(stepBias);
    scan.a = floats(a);
    scan.skip = skip.data;
    scan.past = floats(past);
    scan.y = node.output(0, {batch, tokens, channels});
    scan.present = node.present<float>(past);
    node.run(scan);
  }
};

struct SsdScanNode {
  static constexpr const char* NAME = "SsdScan";
  static constexpr size_t INPUTS = 10, NEEDED = 8, OUTPUTS = 2, LIKE = 7;
  static bool isFloat32(size_t input) { return isFloat32OfScan(input); }
  static constexpr bool FLOAT32_STATE = true;
  static int64_t channels(const Shape& past) {
    return past.size() == 4 && past[1] > 0 && past[3] > 0 ? past[1] * past[3] : -1;
  }

  Offsets offset;
  int64_t groups;
  ssm::Norm norm;
  float epsilon;

  explicit SsdScanNode(Attributes of)
      : offset(of), groups(of.integer("groups")), epsilon(of.number("norm_epsilon")) {
    const int64_t wanted = of.integer("norm");
    if (groups < 1) throw Refused{"groups is " + std::to_string(groups) + "; it must be 1 or more"};
    if (wanted < 0 || wanted > 2)
      throw Refused{"norm is " + std::to_string(wanted) + "; it must be 0 (none), 1 (after the gate) or 2 (before it)"};
    norm = static_cast<ssm::Norm>(wanted);
  }

  void compute(Call& node) const {
    const Tensor x = node.input(0, "x"), stepBias = node.input(4, "step_bias"), a = node.input(5, "a");
    const Tensor skip = node.input(6, "skip"), past = node.input(7, "past"), gate = node.input(8, "gate");
    const Tensor normWeight = node.input(9, "norm_weight");
    a.need({-1});
    const int64_t heads = a.shape[0];
    if (heads % groups != 0)
      throw Refused{"there are " + std::to_string(heads) + " heads; they must be a multiple of the " +
                    std::to_string(groups) + " groups"};
    past.need({-1, heads, -1, -1});
    const int64_t state = past.shape[2], headDim = past.shape[3], inner = heads * headDim;
    const ssm::Section section = node.section(x, offset.x, inner, x);
    const int64_t batch = x.shape[0], tokens = x.shape[1];
    past.need({batch, heads, state, headDim});
    stepBias.needElements(heads);
    skip.needElements(heads);
    if (norm != ssm::Norm::none) normWeight.needElements(inner);
    ssm::SsdScan scan{};
    scan.type = node.type;
    scan.batch = batch, scan.tokens = tokens, scan.heads = heads, scan.head_dim = headDim;
    scan.groups = groups, scan.state = state;
    scan.x = section;
    scan.step = node.section(1, "step", offset.step, heads, x);
    scan.b = node.section(2, "b", offset.b, groups * state, x);
    scan.c = node.section(3, "c", offset.c, groups * state, x);
    if (gate.data) scan.gate = node.section(gate, offset.gate, inner, x);
    scan.step_bias = floats(stepBias);
    scan.a = floats(a);
    scan.skip = skip.data;
    scan.norm = norm;
    scan.norm_weight = norm == ssm::Norm::none ? nullptr : normWeight.data;
    scan.norm_epsilon = epsilon;
    scan.past = floats(past);
    scan.y = node.output(0, {batch, tokens, inner});
    scan.present = node.present<float>(past);
    node.run(scan);
  }
};

struct ResidualNormNode {
  static constexpr const char* NAME = "ResidualNorm";
  static constexpr size_t INPUTS = 3, NEEDED = 3, OUTPUTS = 2, LIKE = 1;
  static bool isFloat32(size_t input) { return input != 0; }
  static constexpr bool FLOAT32_STATE = true;
  static int64_t channels(const Shape& stream) { return stream.size() == 3 ? stream[2] : -1; }

  float epsilon;
  explicit ResidualNormNode(Attributes of) : epsilon(of.number("epsilon")) {}

  void compute(Call& node) const {
    const Tensor delta = node.input(0, "delta"), stream = node.input(1, "stream"), weight = node.input(2, "weight");
    delta.need({-1, -1, -1});
    stream.need(delta.shape);
    const int64_t rows = delta.shape[0] * delta.shape[1], channels = delta.shape[2];
    weight.needElements(channels);
    void* y = node.output(0, delta.shape);
    float* sum = static_cast<float*>(node.output(1, stream.shape));
    node.run(ssm::ResidualNorm{node.type, rows, channels, delta.data, floats(stream), floats(weight), epsilon, y, sum});
  }
};

struct LinearNode {
  static constexpr const char* NAME = "Linear";
  static constexpr size_t INPUTS = 3, NEEDED = 2, OUTPUTS = 1, LIKE = 1;
  static bool isFloat32(size_t) { return false; }
  static constexpr bool FLOAT32_STATE = false;
  static int64_t channels(const Shape& weight) { return weight.size() == 2 ? weight[0] : -1; }

  explicit LinearNode(Attributes) {}

  void compute(Call& node) const {
    const Tensor x = node.input(0, "x"), weight = node.input(1, "weight"), bias = node.input(2, "bias");
    weight.need({-1, -1});
    const int64_t outputs = weight.shape[0], inputs = weight.shape[1];
    if (x.shape.empty() || x.shape.back() != inputs)
      throw Refused{"x is " + describe(x.shape) + "; it must end with " + std::to_string(inputs)};
    if (bias.data) bias.need({outputs});
    Shape shape = x.shape;
    int64_t rows = 1;
    for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
    shape.back() = outputs;
    void* y = node.output(0, shape);
    if (rows > 0) node.run(ssm::Linear{node.type, rows, inputs, outputs, x.data, weight.data, bias.data, y});
  }
};

template <class Node>
struct Kernel {
  Node node;
  Type type;
  OrtAllocator* allocator;
};

constexpr int ELEMENT[] = {ort::FLOAT, ort::FLOAT16, ort::BFLOAT16};  // of each Type

// `Node` for one type of activations. ONNX Runtime picks among operators of one name by the types of their inputs.
template <class Node>
struct Operator : OrtCustomOp {
  Type type;

  explicit Operator(Type type) : OrtCustomOp{}, type(type) {
    version = ort::VERSION;
    GetName = [](const OrtCustomOp*) { return Node::NAME; };
    GetExecutionProviderType = [](const OrtCustomOp*) { return PROVIDER; };
    GetInputTypeCount = [](const OrtCustomOp*) { return Node::INPUTS; };
    GetInputType = [](const OrtCustomOp* op, size_t i) { return element(op, Node::isFloat32(i)); };
    GetInputCharacteristic = [](const OrtCustomOp*, size_t i) -> int {
      return i < Node::NEEDED ? ort::REQUIRED : ort::OPTIONAL;
    };
    GetInputMemoryType = [](const OrtCustomOp*, size_t) { return 0; };  // where the provider computes
    GetOutputTypeCount = [](const OrtCustomOp*) { return Node::OUTPUTS; };
    GetOutputType = [](const OrtCustomOp* op, size_t i) { return element(op, i == 1 && Node::FLOAT32_STATE); };
    GetOutputCharacteristic = [](const OrtCustomOp*, size_t) -> int { return ort::REQUIRED; };
    GetVariadicInputMinArity = GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 1; };
    GetVariadicOutputMinArity = GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
    GetStartVersion = [](const OrtCustomOp*) { return 1; };
    GetEndVersion = [](const OrtCustomOp*) { return INT32_MAX; };
    InferOutputShape = infer;
    CreateKernelV2 = create;
    KernelComputeV2 = compute;
    KernelDestroy = [](void* kernel) {
      auto* ours = static_cast<Kernel<Node>*>(kernel);
      release(ort::ReleaseAllocator, ours->allocator);
      delete ours;
    };
  }

  static int element(const OrtCustomOp* op, bool float32) {
    return float32 ? int{ort::FLOAT} : ELEMENT[static_cast<int>(static_cast<const Operator*>(op)->type)];
  }

  static OrtStatus* create(const OrtCustomOp* op, const void*, const OrtKernelInfo* info, void** kernel) {
    return guarded(Node::NAME, [&] {
      const Node node{Attributes{info}};
      OrtAllocator* allocator = nullptr;
      call(ort::KernelInfoGetAllocator, info, 0, &allocator);
      *kernel = new Kernel<Node>{node, static_cast<const Operator*>(op)->type, allocator};
    });
  }

  static OrtStatus* compute(void* kernel, OrtKernelContext* context) {
    return guarded(Node::NAME, [&] {
      const auto& ours = *static_cast<const Kernel<Node>*>(kernel);
      Call node(context, ours.allocator, ours.type);
      ours.node.compute(node);
    });
  }

  // y as x but for its last dimension, which input LIKE has, as what else is put out has its shape. Without it no node after this
  // one would know its ranks.
  static OrtStatus* infer(const OrtCustomOp*, OrtShapeInferContext* context) {
    return guarded(Node::NAME, [&] {
      OrtTensorTypeAndShapeInfo *x = nullptr, *like = nullptr;
      call(ort::ShapeInferContext_GetInputTypeShape, context, size_t{0}, &x);
      call(ort::ShapeInferContext_GetInputTypeShape, context, size_t{Node::LIKE}, &like);
      Shape shape = shapeOf(x);
      if (shape.empty()) return;
      std::vector<const char*> names(shape.size(), "");
      call(ort::GetSymbolicDimensions, x, names.data(), names.size());
      int type = 0;
      call(ort::GetTensorElementType, static_cast<const OrtTensorTypeAndShapeInfo*>(x), &type);
      shape.back() = Node::channels(shapeOf(like));
      names.back() = "";
      OrtTensorTypeAndShapeInfo* y = nullptr;
      call(ort::CreateTensorTypeAndShapeInfo, &y);
      call(ort::SetTensorElementType, y, type);
      call(ort::SetDimensions, y, static_cast<const int64_t*>(shape.data()), shape.size());
      call(ort::SetSymbolicDimensions, y, names.data(), names.size());
      call(ort::ShapeInferContext_SetOutputTypeShape, static_cast<const OrtShapeInferContext*>(context), size_t{0},
           static_cast<const OrtTensorTypeAndShapeInfo*>(y));
      release(ort::ReleaseTensorTypeAndShapeInfo, y);
      if (Node::OUTPUTS > 1)
        call(ort::ShapeInferContext_SetOutputTypeShape, static_cast<const OrtShapeInferContext*>(context), size_t{1},
             static_cast<const OrtTensorTypeAndShapeInfo*>(like));
    });
  }
};

template <class Node>
void add(OrtCustomOpDomain* domain) {
  static const Operator<Node> operators[] = {Operator<Node>(Type::float32), Operator<Node>(Type::float16),
                                             Operator<Node>(Type::bfloat16)};
  for (const auto& one : operators)
    call(ort::CustomOpDomain_Add, domain, static_cast<const OrtCustomOp*>(&one));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(OrtSessionOptions* options,
                                                                              const OrtApiBase* base) {
  api = static_cast<const void* const*>(base->GetApi(ort::VERSION));
  if (!api) return nullptr;
  return guarded("ssm.scope", [&] {
    // Made once and kept: sessions refer to it for as long as they live.
    static OrtCustomOpDomain* const domain = [] {
      OrtCustomOpDomain* made = nullptr;
      call(ort::CreateCustomOpDomain, "ssm.scope", &made);
      add<CausalConvNode>(made);
      add<SelectiveScanNode>(made);
      add<SsdScanNode>(made);
      add<ResidualNormNode>(made);
      add<LinearNode>(made);
      return made;
    }();
    call(ort::AddCustomOpDomain, options, domain);
  });
}

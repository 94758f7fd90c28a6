#!/usr/bin/env python3
"""PyTorch on the same card: the time and memory that `npm run bench:gpu` holds ours against.

Prints one JSON line for each model, variant and prompt length as it is measured, progress on stderr. Random float16
weights, batch 1, greedy decoding, logits of the last position only.

Models and variants
  qwen2.5-0.5b  eager  transformers' Qwen2ForCausalLM, attention by scaled_dot_product_attention, DynamicCache
                graph  the same prefill; decoding with StaticCache and torch.compile(mode="reduce-overhead")
  mamba2-*      eager  with --mamba-ssm: mamba_ssm's own MambaLMHeadModel and its Triton kernels, from an unpacked sdist;
                       without: transformers' Mamba2ForCausalLM, whose fallback needs 6 GB a layer at 1024 tokens
                graph  mamba_ssm's own CUDA graph of the decode step

Times
  ttft_samples_ms  prompt ids on the host to the id of the first token on the host
  tpot_samples_ms  (last token on the host - first token on the host) / (new tokens - 1); every token's id reaches the
                   host, as it does in what this is held against

Every variant runs in a process of its own, so that an illegal access in one leaves the others alone.
"""

import argparse
import contextlib
import gc
import importlib.util
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path

MODELS = {
    "qwen2.5-0.5b": dict(
        arch="qwen2", vocab_size=151936, hidden_size=896, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, intermediate_size=4864, parameters=494_032_768,
    ),
    "mamba2-130m": dict(
        arch="mamba2", vocab_size=50288, hidden_size=768, num_hidden_layers=24, expand=2, num_heads=24, head_dim=64,
        state_size=128, n_groups=1, conv_kernel=4, chunk_size=256, parameters=128_989_632,
    ),
    "mamba2-780m": dict(
        arch="mamba2", vocab_size=50288, hidden_size=1536, num_hidden_layers=48, expand=2, num_heads=48, head_dim=64,
        state_size=128, n_groups=1, conv_kernel=4, chunk_size=256, parameters=780_161_280,
    ),
}  # fmt: skip

TINY = {
    "qwen2": dict(vocab_size=320, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                  intermediate_size=128),
    "mamba2": dict(vocab_size=320, hidden_size=64, num_hidden_layers=2, num_heads=4, head_dim=32, state_size=16,
                   chunk_size=16),
}  # fmt: skip

WARM_UP_TOKENS = 4
TUNE_TOKENS = 8192


def log(*words):
    print(*words, file=sys.stderr, flush=True)


# What every peer shares -------------------------------------------------------------------------------------------


class Device:
    """The accelerator, or the CPU as its stand-in for trying this file out."""

    def __init__(self, name):
        import torch

        self.torch = torch
        self.name = name
        self.cuda = name.startswith("cuda")

    def synchronize(self):
        if self.cuda:
            self.torch.cuda.synchronize()

    def clear(self):
        gc.collect()
        if self.cuda:
            self.torch.cuda.empty_cache()
            self.torch.cuda.reset_peak_memory_stats()

    def memory(self):
        """Peaks of the allocator since `clear`, and what is in use on the card, contexts included."""
        if not self.cuda:
            return {}
        free, total = self.torch.cuda.mem_get_info()
        return {
            "peak_allocated_bytes": self.torch.cuda.max_memory_allocated(),
            "peak_reserved_bytes": self.torch.cuda.max_memory_reserved(),
            "device_used_bytes": total - free,
        }

    def facts(self):
        torch = self.torch
        facts = {"torch": torch.__version__, "python": sys.version.split()[0], "gpu": None}
        if self.cuda:
            facts["gpu"] = torch.cuda.get_device_name()
            facts["cuda"] = torch.version.cuda
        with contextlib.suppress(ImportError):
            import transformers

            facts["transformers"] = transformers.__version__
        with contextlib.suppress(ImportError):
            import triton

            facts["triton"] = triton.__version__
        return facts


def greedy(logits):
    """[1, positions, vocabulary] -> the next token as [1, 1], on the device."""
    return logits[:, -1].argmax(dim=-1, keepdim=True)


class Peer:
    """`prefill` and `step` give logits and keep the cache until `reset`. Made without gradients, run in `mode`."""

    def mode(self):
        import torch

        return torch.inference_mode()


class QwenEager(Peer):

    def __init__(self, shape, device, dtype, _options):
        import torch
        from transformers import AutoModelForCausalLM, Qwen2Config

        config = Qwen2Config(
            **{key: value for key, value in shape.items() if key not in ("arch", "parameters")},
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
            max_position_embeddings=1 << 20,  # no length of ours is refused; it costs nothing
            tie_word_embeddings=True,
            use_sliding_window=False,
        )
        with torch.device(device.name):
            self.model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=dtype).eval()
        self.device = device
        self.kernels = "transformers Qwen2ForCausalLM, SDPA, DynamicCache"
        self.cache = None

    def reset(self):
        self.cache = None

    def prefill(self, ids):
        from transformers import DynamicCache

        self.cache = DynamicCache(config=self.model.config)
        return self.step(ids)

    def step(self, ids):
        return self.model(input_ids=ids, past_key_values=self.cache, use_cache=True, logits_to_keep=1).logits


class QwenGraph(QwenEager):
    def mode(self):
        import torch

        return torch.no_grad()  # as generate() does: compiled code and inference tensors do not always agree

    def __init__(self, shape, device, dtype, options):
        import torch

        super().__init__(shape, device, dtype, options)
        self.new_tokens = options.new_tokens
        self.kernels = "transformers Qwen2ForCausalLM, SDPA, StaticCache, torch.compile(reduce-overhead) of the decode step"
        torch._dynamo.config.recompile_limit = 64  # one graph a length
        self.compiled = torch.compile(self.model.forward, mode="reduce-overhead", dynamic=False)
        self.static = None

    def reset(self):
        self.cache = None  # the static cache stays: its address is in the graph

    def prefill(self, ids):
        """With the dynamic cache, whose attention needs no mask, then copied: the copy is part of TTFT."""
        from transformers import StaticCache

        logits = super().prefill(ids)
        length = ids.shape[1]
        capacity = length + self.new_tokens
        if self.static is None or self.static.layers[0].max_cache_len != capacity:
            self.static = None
            self.static = StaticCache(config=self.model.config, max_cache_len=capacity)
        self.static.reset()
        for index, layer in enumerate(self.cache.layers):
            self.static.update(layer.keys, layer.values, index)
            layer.keys = layer.values = None
        self.cache = None
        self.position = length
        return logits

    def step(self, ids):
        import torch

        if self.cache is not None:
            return super().step(ids)
        torch.compiler.cudagraph_mark_step_begin()
        position = torch.full((1, 1), self.position, device=ids.device)
        self.position += 1
        return self.compiled(
            input_ids=ids, position_ids=position, past_key_values=self.static, use_cache=True, logits_to_keep=1
        ).logits.clone()


class MambaTransformers(Peer):
    def __init__(self, shape, device, dtype, _options):
        import torch
        from transformers import AutoModelForCausalLM, Mamba2Config

        config = Mamba2Config(
            **{key: value for key, value in shape.items() if key not in ("arch", "parameters")},
            layer_norm_epsilon=1e-5,
            residual_in_fp32=True,
            tie_word_embeddings=True,
        )
        with torch.device(device.name):
            self.model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
        self.kernels = "transformers Mamba2ForCausalLM without mamba_ssm: its plain PyTorch fallback"
        self.cache = None

    def reset(self):
        self.cache = None

    def prefill(self, ids):
        self.cache = None
        return self.step(ids)

    def step(self, ids):
        out = self.model(input_ids=ids, cache_params=self.cache, use_cache=True, logits_to_keep=1)
        self.cache = out.cache_params
        return out.logits


class MambaSsmEager(Peer):
    def __init__(self, shape, device, dtype, options):
        conv = load_causal_conv1d(options.causal_conv1d) if options.causal_conv1d else None
        version = open_mamba_ssm(options.mamba_ssm)
        from mamba_ssm.models.config_mamba import MambaConfig
        from mamba_ssm.models.mixer_seq_simple import MambaLMHeadModel

        config = MambaConfig(
            d_model=shape["hidden_size"],
            n_layer=shape["num_hidden_layers"],
            vocab_size=shape["vocab_size"],
            ssm_cfg=dict(
                layer="Mamba2",
                d_state=shape["state_size"],
                headdim=shape["head_dim"],
                chunk_size=shape["chunk_size"],
            ),
            rms_norm=True,
            residual_in_fp32=True,
            fused_add_norm=True,
            tie_embeddings=True,
        )
        self.model = MambaLMHeadModel(config, device=device.name, dtype=dtype).eval()
        self.device = device
        channels = 2 * shape["hidden_size"] + 2 * shape["state_size"]
        convolution = choose_convolution(conv, channels, device, dtype)
        self.kernels = (
            f"mamba_ssm {version} MambaLMHeadModel: Triton SSD (mamba_chunk_scan_combined), selective_state_update, "
            f"fused norms; convolution: {convolution}"
        )
        self.params = None

    def reset(self):
        self.params = None

    def prefill(self, ids):
        from mamba_ssm.utils.generation import InferenceParams

        self.params = InferenceParams(max_seqlen=1 << 20, max_batch_size=ids.shape[0])
        return self.step(ids)

    def step(self, ids):
        logits = self.model(ids, inference_params=self.params, num_last_tokens=1).logits
        self.params.seqlen_offset += ids.shape[1]
        return logits


class MambaSsmGraph(MambaSsmEager):
    def __init__(self, shape, device, dtype, options):
        from functools import partial

        super().__init__(shape, device, dtype, options)
        from mamba_ssm.utils.generation import update_graph_cache

        self.kernels += "; decode step as mamba_ssm's CUDA graph"
        self.capture = partial(update_graph_cache, self.model, batch_size=1, seqlen_og=1, max_seqlen=1 << 20)
        self.graph = None

    def reset(self):
        pass  # the states are the graph's own

    def prefill(self, ids):
        if self.graph is None:
            self.graph = self.capture(cache=None)
        self.params = self.graph.inference_params
        self.params.reset(1 << 20, 1)
        return MambaSsmEager.step(self, ids)

    def step(self, ids):
        import torch

        offset = self.params.seqlen_offset
        self.params.seqlen_offset += 1
        return self.graph.run(ids, torch.full_like(ids, offset), offset)


PEERS = {
    ("qwen2", "eager"): QwenEager,
    ("qwen2", "graph"): QwenGraph,
    ("mamba2", "eager"): MambaSsmEager,
    ("mamba2", "graph"): MambaSsmGraph,
}


# mamba_ssm and causal_conv1d from their sdists --------------------------------------------------------------------


def open_mamba_ssm(path):
    """
    Makes `mamba_ssm` importable from an unpacked sdist and returns its version. The package's __init__ imports Mamba-1's
    compiled scan and Mamba-3, neither of which Mamba-2 calls: an empty package with the same path and an empty
    `selective_scan_cuda` stand in for them.
    """
    root = Path(path) / "mamba_ssm"
    init = root / "__init__.py"
    if not init.is_file():
        raise FileNotFoundError(f"{path} holds no mamba_ssm/__init__.py; unpack the sdist of mamba-ssm there")
    package = types.ModuleType("mamba_ssm")
    package.__path__ = [str(root)]
    sys.modules["mamba_ssm"] = package
    sys.modules.setdefault("selective_scan_cuda", types.ModuleType("selective_scan_cuda"))
    first = init.read_text().split("\n", 1)[0]
    return first.split("=")[1].strip().strip("\"'") if first.startswith("__version__") else "unknown"


NO_BACKWARD = """\
// The sdist's bindings name the backward kernels, which take minutes to compile and are never called here.
#include <stdexcept>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <cuda_runtime_api.h>
#include <cstdint>
#include "causal_conv1d.h"
template <typename I, typename W> void causal_conv1d_bwd_cuda(ConvParamsBwd &, cudaStream_t) {
  throw std::runtime_error("built without the backward pass");
}
template <typename I, typename W> void causal_conv1d_channellast_bwd_cuda(ConvParamsBwd &, cudaStream_t) {
  throw std::runtime_error("built without the backward pass");
}
#define BOTH(I, W) \\
  template void causal_conv1d_bwd_cuda<I, W>(ConvParamsBwd &, cudaStream_t); \\
  template void causal_conv1d_channellast_bwd_cuda<I, W>(ConvParamsBwd &, cudaStream_t);
#define EACH(W) BOTH(float, W) BOTH(c10::Half, W) BOTH(c10::BFloat16, W)
EACH(float) EACH(c10::Half) EACH(c10::BFloat16)
"""


def load_causal_conv1d(path):
    """
    The forward kernels of an unpacked causal_conv1d sdist, compiled once for this card (about a minute) and kept as
    causal_conv1d_cuda.so beside the sources. Returns what to call it, or None, with the reason on stderr.
    """
    try:
        root = Path(path).resolve()
        library = root / "causal_conv1d_cuda.so"
        if not library.is_file():
            build_causal_conv1d(root, library)
        spec = importlib.util.spec_from_file_location("causal_conv1d_cuda", library)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules["causal_conv1d_cuda"] = module
        sys.path.insert(0, str(root))
        import causal_conv1d

        return f"causal_conv1d {causal_conv1d.__version__}, CUDA"
    except Exception as error:  # noqa: BLE001: another convolution does, and the reason is told
        log(f"causal_conv1d is not used: {type(error).__name__}: {str(error)[-800:]}")
        for name in ("causal_conv1d", "causal_conv1d_cuda"):
            sys.modules.pop(name, None)
        return None


def build_causal_conv1d(root, library):
    import torch
    from torch.utils.cpp_extension import load

    major, minor = torch.cuda.get_device_capability()
    os.environ["TORCH_CUDA_ARCH_LIST"] = f"{major}.{minor}"
    build = root / "build"
    build.mkdir(exist_ok=True)
    stub = build / "no_backward.cpp"
    stub.write_text(NO_BACKWARD)
    log("building causal_conv1d ...")
    start = time.perf_counter()
    csrc = root / "csrc"
    load(
        "causal_conv1d_cuda",
        [str(csrc / f"causal_conv1d{part}") for part in (".cpp", "_fwd.cu", "_update.cu")] + [str(stub)],
        extra_include_paths=[str(csrc)],
        extra_cflags=["-O2"],
        extra_cuda_cflags=[
            "-O3",
            "-U__CUDA_NO_HALF_OPERATORS__",
            "-U__CUDA_NO_HALF_CONVERSIONS__",
            "-U__CUDA_NO_BFLOAT16_OPERATORS__",
            "-U__CUDA_NO_BFLOAT16_CONVERSIONS__",
            "-U__CUDA_NO_BFLOAT162_OPERATORS__",
            "-U__CUDA_NO_BFLOAT162_CONVERSIONS__",
            "--expt-relaxed-constexpr",
            "--expt-extended-lambda",
            "--use_fast_math",
        ],
        build_directory=str(build),
    )
    shutil.copy(build / "causal_conv1d_cuda.so", library)
    log(f"built causal_conv1d in {time.perf_counter() - start:.0f} s")


def compiled_convolution():
    """Convolution and SiLU as four shifted products, one kernel by Inductor; the signature of causal_conv1d_fn."""
    import torch
    import torch.nn.functional as F

    def shifted(x, weight, bias):  # [batch, tokens, channels], [channels, width], [channels]
        width = weight.shape[1]
        padded = F.pad(x, (0, 0, width - 1, 0))
        total = bias
        for j in range(width):
            total = total + padded[:, j : j + x.shape[1]] * weight[:, j]
        return F.silu(total)

    compiled = torch.compile(shifted, dynamic=True)

    def causal_conv1d_fn(x, weight, bias=None, activation=None, seq_idx=None):
        return compiled(x.transpose(1, 2), weight, bias).transpose(1, 2)

    return causal_conv1d_fn


def choose_convolution(built, channels, device, dtype):
    """Times every convolution there is on 8192 tokens, checks it, lets mamba_ssm call the fastest, and names it."""
    import torch
    import torch.nn.functional as F
    from mamba_ssm.modules import mamba2

    def plain(x, weight, bias=None, activation=None, seq_idx=None):
        # What mamba_ssm does where causal_conv1d is missing.
        width = weight.shape[1]
        return F.silu(F.conv1d(x, weight.unsqueeze(1), bias, padding=width - 1, groups=weight.shape[0])[..., : x.shape[2]])

    candidates = {"torch conv1d": plain, "torch.compile (Inductor)": compiled_convolution()}
    if built and mamba2.causal_conv1d_fn is not None:
        candidates[built] = mamba2.causal_conv1d_fn

    tokens = TUNE_TOKENS if device.cuda else 64
    # As mamba_ssm cuts it from the projection: channels beside each other, rows wider than the channels.
    wide = torch.randn(1, tokens, 2 * channels, device=device.name, dtype=dtype)
    x = wide[..., :channels].transpose(1, 2)
    weight = torch.randn(channels, 4, device=device.name, dtype=dtype) / 2
    bias = torch.randn(channels, device=device.name, dtype=dtype)
    expected = plain(x, weight, bias).float()
    times = {}
    for name, function in candidates.items():
        try:
            with torch.inference_mode():
                error = (function(x, weight, bias, activation="silu").float() - expected).abs().max().item()
                if not error < 0.05:
                    raise ArithmeticError(f"differs from conv1d by {error}")
                best = float("inf")
                for _ in range(5):
                    device.synchronize()
                    start = time.perf_counter()
                    function(x, weight, bias, activation="silu")
                    device.synchronize()
                    best = min(best, time.perf_counter() - start)
            times[name] = best
        except Exception as error:  # noqa: BLE001: one convolution less
            log(f"convolution {name} is not used: {type(error).__name__}: {str(error)[-500:]}")
    chosen = min(times, key=times.get)
    log(f"convolution of {tokens} tokens, ms: " + ", ".join(f"{name} {1000 * t:.3f}" for name, t in times.items()))
    mamba2.causal_conv1d_fn = candidates[chosen]
    return chosen


# Measuring --------------------------------------------------------------------------------------------------------


def sample(peer, prompt, new_tokens, device):
    """One generation from a prompt on the host: (ttft_ms, tpot_ms)."""
    peer.reset()
    device.synchronize()
    start = time.perf_counter()
    token = greedy(peer.prefill(prompt.to(device.name)))
    token.item()
    first = time.perf_counter()
    for _ in range(new_tokens - 1):
        token = greedy(peer.step(token))
        token.item()
    end = time.perf_counter()
    return 1000 * (first - start), 1000 * (end - first) / max(1, new_tokens - 1)


def consistency(peer, vocabulary, device):
    """Largest difference of the logits after 65 tokens at once and after 64 and one, over the largest logit."""
    import torch

    ids = torch.arange(65).remainder(vocabulary).unsqueeze(0).to(device.name)
    peer.reset()
    whole = peer.prefill(ids)[:, -1].float()
    peer.reset()
    peer.prefill(ids[:, :64])
    stepped = peer.step(ids[:, 64:])[:, -1].float()
    peer.reset()
    return ((whole - stepped).abs().max() / whole.abs().max()).item()


def measure(peer, length, vocabulary, options, device):
    """Samples of one length, as columns."""
    import torch

    generator = torch.Generator().manual_seed(1)
    prompt = torch.randint(0, vocabulary, (1, length), generator=generator)
    peer.reset()
    device.clear()
    start = time.perf_counter()
    warm = []
    for _ in range(3):
        warm.append(sample(peer, prompt, WARM_UP_TOKENS, device)[0])
        if len(warm) > 1 and abs(warm[-1] - warm[-2]) <= 0.05 * warm[-2]:
            break
    least = min(options.repeats, options.min_repeats)
    ttft, tpot = [], []
    for _ in range(options.repeats):
        if len(ttft) >= least and time.perf_counter() - start > options.seconds:
            break
        first, each = sample(peer, prompt, options.new_tokens, device)
        ttft.append(first)
        tpot.append(each)
    columns = {"ttft_samples_ms": ttft, "tpot_samples_ms": tpot, "warmup_runs": len(warm), **device.memory()}
    peer.reset()
    return columns


def is_out_of_memory(error):
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "out of memory" in str(error).lower()


def run_variant(model, variant, options):
    """All lengths of one model and variant in this process."""
    import torch

    started = time.perf_counter()
    torch.manual_seed(1)
    device = Device(options.device)
    dtype = torch.float16 if device.cuda else torch.float32
    shape = {**MODELS[model], **(TINY[MODELS[model]["arch"]] if options.tiny else {})}
    common = {
        "kind": "peer",
        "engine": "pytorch",
        "model": model,
        "variant": variant,
        "dtype": "fp16" if device.cuda else "fp32",
        "batch": 1,
        "new_tokens": options.new_tokens,
        "tiny": options.tiny,
        **device.facts(),
    }

    def emit(length, **columns):
        print(json.dumps({**common, "prompt_tokens": length, **columns}), flush=True)

    def status_of(error):
        text = f"{type(error).__name__}: {error}"
        log(f"{model} {variant}: {text[:2000]}")
        return {"status": "oom" if is_out_of_memory(error) else "failed", "status_reason": text[:2000]}

    try:
        maker = PEERS[shape["arch"], variant]
        if shape["arch"] == "mamba2" and not options.mamba_ssm:
            maker = MambaTransformers
        with torch.no_grad():
            peer = maker(shape, device, dtype, options)
        common["kernels"] = peer.kernels
        common["parameters"] = sum(parameter.numel() for parameter in peer.model.parameters())
        if not options.tiny and common["parameters"] != shape["parameters"]:
            raise AssertionError(f"{common['parameters']} parameters; published are {shape['parameters']}")
        with peer.mode():
            common["decode_vs_prefill_error"] = consistency(peer, shape["vocab_size"], device)
            log(f"{model} {variant}: {peer.kernels}; decode against prefill {common['decode_vs_prefill_error']:.2g}")
            if device.cuda:  # Triton's autotuner keys on no length: let it choose at one that fills the card
                peer.prefill(torch.zeros(1, min(TUNE_TOKENS, max(options.lengths)), dtype=torch.long, device=device.name))
                peer.reset()
    except Exception as error:  # noqa: BLE001: it is what there is to report
        for length in options.lengths:
            emit(length, **status_of(error))
        return
    for length in options.lengths:
        if options.total_seconds and time.perf_counter() - started > options.total_seconds:
            emit(length, status="skipped", status_reason=f"{options.total_seconds} s for this variant were used up")
            continue
        failure = None
        try:
            with peer.mode():
                columns = measure(peer, length, shape["vocab_size"], options, device)
        except Exception as error:  # noqa: BLE001: it is what there is to report
            failure = status_of(error)
        # Outside the except block, whose traceback holds the tensors of the failed pass.
        if failure:
            emit(length, **failure)
            with contextlib.suppress(Exception):
                peer.reset()
                device.clear()
            continue
        emit(length, status="ok", status_reason=None, **columns)
        log(
            f"{model} {variant} {length}: TTFT {statistics.median(columns['ttft_samples_ms']):.2f} ms, "
            f"TPOT {statistics.median(columns['tpot_samples_ms']):.3f} ms, {len(columns['ttft_samples_ms'])} samples"
        )


def run_all(options):
    """A process for each model and variant; a length that a dying process did not report is reported here."""
    for model in options.models:
        for variant in ["eager", "graph"] if options.graphs else ["eager"]:
            if variant == "graph" and MODELS[model]["arch"] == "mamba2" and not options.mamba_ssm:
                continue
            done = set()
            command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--one", f"{model}/{variant}"]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            for line in child.stdout:
                if not line.startswith("{"):
                    log(line.rstrip())
                    continue
                done.add(json.loads(line)["prompt_tokens"])
                deliver(line, options)
            code = child.wait()
            for length in (length for length in options.lengths if length not in done):
                how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
                row = {
                    "kind": "peer", "engine": "pytorch", "model": model, "variant": variant, "batch": 1,
                    "dtype": "fp16" if options.device.startswith("cuda") else "fp32", "prompt_tokens": length, "new_tokens": options.new_tokens, "status": "failed",
                    "status_reason": f"the process ended with {how}",
                }  # fmt: skip
                deliver(json.dumps(row) + "\n", options)


def deliver(line, options):
    sys.stdout.write(line)
    sys.stdout.flush()
    if options.out:
        with open(options.out, "a") as file:
            file.write(line)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: [word for word in text.split(",") if word]  # noqa: E731
    numbers = lambda text: [int(word) for word in words(text)]  # noqa: E731
    parser.add_argument("--models", type=words, default=["qwen2.5-0.5b", "mamba2-780m"], help="separated by commas")
    parser.add_argument("-l", "--lengths", type=numbers, default=[1024, 8192, 32768, 57344, 131072, 220160])
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--min-repeats", type=int, default=3, help="taken even when --seconds are over")
    parser.add_argument("--seconds", type=float, default=60, help="of one length, after which no repeat is started")
    parser.add_argument("--total-seconds", type=float, help="of one variant, after which no length is started")
    parser.add_argument("--graphs", action="store_true", help="also the variants whose decoding is a CUDA graph")
    parser.add_argument("--mamba-ssm", help="unpacked sdist of mamba-ssm")
    parser.add_argument("--causal-conv1d", help="unpacked sdist of causal-conv1d; its forward kernels are compiled")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, to try this file")
    parser.add_argument("--out", help="also append the JSON lines to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for model in options.models:
        if model not in MODELS:
            parser.error(f'there is no model "{model}"; there are {", ".join(MODELS)}')
    return options


if __name__ == "__main__":
    chosen = parse()
    if chosen.one:
        run_variant(*chosen.one.split("/"), chosen)
    else:
        run_all(chosen)

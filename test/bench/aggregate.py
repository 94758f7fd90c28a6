"""The peer of aggregate.ts: grouped medians with the same intervals, vectorised. numpy 2.4.6, pandas 3.1.1, scipy 1.17.1."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

folder, runs = Path(sys.argv[1]), int(sys.argv[2])
MODELS = np.array(["qwen2.5-0.5b", "llama-3.2-1b", "mamba-790m", "mamba2-780m", "falcon-h1-0.5b"], dtype=object)
DTYPES = np.array(["fp32", "fp16"], dtype=object)


def read(name, dtype):
    return np.fromfile(folder / name, dtype)


def lower_rank(n, tail=0.025):
    """The rank of the lower end of the sign test's interval of the median."""
    return int(binom.ppf(tail, n, 0.5))


def summarize(frame):
    """Group numbers, one sort by group and value, then three picks a group."""
    group = frame.groupby(["kind", "model", "dtype", "batch", "prompt_tokens"], sort=False).ngroup().to_numpy()
    value = frame["ttft_ms"].to_numpy()
    value = value[np.lexsort((value, group))]
    count = np.bincount(group)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    sizes, inverse = np.unique(count, return_inverse=True)
    rank = np.array([lower_rank(n) for n in sizes])[inverse]
    median = (value[start + (count - 1) // 2] + value[start + count // 2]) / 2
    return median, value[start + rank - 1], value[start + count - rank]


def frame():
    n = read("tokens", np.int32).size
    return pd.DataFrame(
        {
            "kind": np.full(n, "latency", dtype=object),
            "model": MODELS[read("model", np.int32)],
            "dtype": DTYPES[read("dtype", np.int32)],
            "batch": np.ones(n),
            "prompt_tokens": 1024.0 * (read("tokens", np.int32) + 1),
            "ttft_ms": read("ttftMs", np.float64),
        }
    )


seconds = []
for _ in range(runs):
    fresh = frame()
    start = time.perf_counter()
    result = summarize(fresh)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": min(seconds), "sum": float(sum(part.sum() for part in result))}))

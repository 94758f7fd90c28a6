"""10 000 bootstrap fits of 30 points by NumPy and SciPy, for fits.ts to stand beside; prints milliseconds as JSON.

numpy: all fits at once by one decomposition, without bounds. scipy: non-negative least squares, one fit a call, as
scipy.optimize.nnls takes them. Both draw the same residual bootstrap. Best of five.
"""

import json
import sys
import time

import numpy as np
import scipy
from scipy.optimize import nnls

case = json.load(sys.stdin)
replicates = case["replicates"]
length = np.array(case["lengths"], float)
value = np.array(case["values"], float)
root = 1 / value
design = np.vander(length, 3, increasing=True) * root[:, None]
norms = np.linalg.norm(design, axis=0)
design /= norms
target = value * root
rng = np.random.default_rng(1)


def draw():
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    fitted = design @ coefficients
    residuals = target - fitted
    return fitted[:, None] + rng.choice(residuals, (len(value), replicates))


def by_numpy():
    return np.linalg.lstsq(design, draw(), rcond=None)[0] / norms[:, None]


def by_scipy():
    return np.array([nnls(design, response)[0] for response in draw().T]) / norms


def best(act, times=5):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append((time.perf_counter() - start) * 1000)
    return min(taken)


print(json.dumps({
    "numpy_ms": best(by_numpy),
    "scipy_ms": best(by_scipy),
    "numpy": np.__version__,
    "scipy": scipy.__version__,
}))

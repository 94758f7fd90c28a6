#!/usr/bin/env bash
# Brings the sources of the peer's Mamba-2 kernels from PyPI into .gpu/ (git-ignored, 1.2 MB): mamba_ssm, whose Triton
# kernels need no compiler, and causal_conv1d, whose forward kernels peer_torch.py compiles.
# usage: fetch_kernels.sh [PYTHON]     PYTHON: one that has torch (for a CPU will do), setuptools, packaging and wheel:
#                                      pip asks the packages' setup.py for their names, and those import torch
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${1:-python3}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export MAMBA_SKIP_CUDA_BUILD=TRUE CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE
"$python" -m pip download --quiet --no-deps --no-build-isolation --no-binary :all: --dest "$work" \
  mamba-ssm==2.3.2.post1 causal-conv1d==1.7.0
mkdir -p .gpu/mamba_ssm .gpu/causal_conv1d
tar xzf "$work"/mamba_ssm-*.tar.gz -C .gpu/mamba_ssm --strip-components 1 --wildcards '*/mamba_ssm/*.py' '*/LICENSE'
tar xzf "$work"/causal_conv1d-*.tar.gz -C .gpu/causal_conv1d --strip-components 1 --wildcards \
  '*/causal_conv1d/*.py' '*/csrc/*' '*/LICENSE'
du -sh .gpu/mamba_ssm .gpu/causal_conv1d

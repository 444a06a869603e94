"""The package alone: neither pages nor site."""

import torch

TORCH = tuple(map(int, torch.__version__.split(".")[:2]))  #: (2, 13) of 2.13.0

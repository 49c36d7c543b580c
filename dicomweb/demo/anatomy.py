"""What a phantom is made of: ellipsoids in patient coordinates (LPS, millimetres), each with a value.

Later ones lie over earlier ones. Their edges are soft over a voxel, as a scanner's are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mappers.demo.imaging import DemoLesion

Pixels = NDArray[Any]
XYZ = tuple[float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """Where it lies, how large it is, and what it shows."""

    centre: XYZ
    axes: XYZ
    value: float


@dataclass(frozen=True)
class Contrast:
    """How a kind of image shows things: what there is around everything, the tissues, the lesions."""

    outside: float
    tissues: Sequence[Ellipsoid]
    lesion: float
    noise: float


def lesion_of(lesion: DemoLesion, value: float) -> Ellipsoid:
    """A lesion as it is stated: a sphere."""
    radius = lesion.diameter_mm / 2
    return Ellipsoid((lesion.x, lesion.y, lesion.z), (radius, radius, radius), value)


def _head(scalp: float, skull: float, brain: float, ventricles: float) -> tuple[Ellipsoid, ...]:
    return (
        Ellipsoid((0, 0, 0), (80, 100, 90), scalp),
        Ellipsoid((0, 0, 0), (75, 95, 85), skull),
        Ellipsoid((0, 0, 0), (70, 90, 80), brain),
        Ellipsoid((-14, -5, 12), (8, 30, 14), ventricles),
        Ellipsoid((14, -5, 12), (8, 30, 14), ventricles),
    )


T1 = Contrast(8, _head(700, 60, 450, 160), 330, 10)
T1_CONTRAST = Contrast(8, _head(720, 60, 470, 165), 1500, 10)
T2 = Contrast(8, _head(400, 50, 480, 1300), 950, 10)
#: Hounsfield units; the air around, soft tissue, lungs, heart, spine
CHEST = Contrast(
    -1000,
    (
        Ellipsoid((0, 0, -45), (165, 115, 400), 40),
        Ellipsoid((-80, 0, -45), (62, 85, 120), -850),
        Ellipsoid((80, 0, -45), (62, 85, 120), -850),
        Ellipsoid((20, -35, -60), (45, 40, 70), 45),
        Ellipsoid((0, 75, -45), (18, 18, 400), 420),
    ),
    55,
    12,
)


@dataclass(frozen=True)
class Plane:
    """Axial planes of one size: pixels a side, millimetres a pixel, around the middle of the patient."""

    size: int
    spacing: float
    _along: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        along = (np.arange(self.size, dtype=np.float32) - (self.size - 1) / 2) * self.spacing
        object.__setattr__(self, "_along", along)

    @property
    def corner(self) -> float:
        """x and y of the first pixel's middle."""
        return float(self._along[0])

    def slice(self, contrast: Contrast, lesions: Sequence[DemoLesion], z: float, seed: int) -> Pixels:
        """What is seen at a height; the noise is the same for the same seed."""
        shown = np.full((self.size, self.size), contrast.outside, np.float32)
        for one in (*contrast.tissues, *(lesion_of(lesion, contrast.lesion) for lesion in lesions)):
            self._lay(shown, one, z)
        noise = np.random.default_rng(seed).standard_normal(shown.shape, np.float32)
        return shown + noise * contrast.noise

    def _lay(self, shown: Pixels, one: Ellipsoid, z: float) -> None:
        (x0, y0, z0), (a, b, c) = one.centre, one.axes
        across = ((self._along - x0) / a) ** 2 + ((z - z0) / c) ** 2
        distance = np.sqrt(across[None, :] + ((self._along[:, None] - y0) / b) ** 2)
        share = np.clip((1 - distance) * (min(a, b) / self.spacing) + 0.5, 0, 1)
        shown += share * (one.value - shown)

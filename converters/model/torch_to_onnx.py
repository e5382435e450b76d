"""A torch network -> an ONNX file, with the network's own weight names."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.errors import StudioError, UnsupportedError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

OPSET = 17


def export_onnx(
    module: nn.Module | torch.jit.ScriptModule, inputs: Mapping[str, Tensor], outputs: Sequence[str], path: Path
) -> None:
    """Write `module` as ONNX (opset 17) to `path`; beyond 2 GB its weights go into files beside it.

    Args:
        module: on the CPU, in evaluation mode.
        inputs: an example of every input, in the order of `forward`'s parameters.
        outputs: names of the outputs; empty to let the exporter choose.

    Raises:
        UnsupportedError: the network does something ONNX cannot express, or fails on these inputs.
    """
    import torch
    from torch.jit._trace import TracerWarning

    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            # The tracing exporter is announced as deprecated; its successor needs a package that is not installed
            # and renames weights. Tracer warnings speak to the network's author.
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            warnings.filterwarnings("ignore", category=TracerWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="torch")
            warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(outputs) or None,
                # PRESERVE keeps batch normalisations apart: merged by the exporter they would lose their names.
                training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=True,
            )
    except StudioError:
        raise
    except Exception as error:  # whatever the network's own code raises comes through here
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UnsupportedError(
            f"The network cannot be turned into ONNX: {first[:300]}",
            "It fails on inputs of these shapes, or uses an operation ONNX does not have.",
            "Check the sizes of the inputs, or export ONNX with the network's own tools.",
        ) from error
    finally:
        exporter_log.setLevel(level)

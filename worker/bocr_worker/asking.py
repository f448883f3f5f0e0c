"""Whether all that a job may ask its model can be asked: known before the model is loaded."""

from __future__ import annotations

from bocr_worker.engines.base import EngineSpec, PageImage
from bocr_worker.engines.vision.base import nearest, option_names, question_for
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.protocol.manifest import Manifest, Variation
from bocr_worker.runtimes.base import RuntimeBroken

_NO_IMAGE = PageImage(b"", "png", 1, 1, 72.0)


def check_questions(spec: EngineSpec, manifest: Manifest) -> None:
    """A wrong rung would else end the job when the first page comes to it, after hours. Raises RuntimeBroken
    for an option of the order or of a rung that cannot be meant, EngineUnavailable where the package that the
    prompts come from is missing.
    """
    vision = spec.vision
    if vision is None:
        return
    names = option_names(vision)
    said = {name: value for name, value in manifest.engine.options.items() if name in names}
    for rung in _rungs(manifest):
        unknown = next((name for name in rung.options if name not in names), None)
        try:
            if unknown is not None:
                raise OptionError(
                    f"the option {str(unknown)[:40]!r} is unknown{nearest(str(unknown), names)}"
                )
            question_for(vision, _NO_IMAGE, {**said, **rung.options}, None)
        except OptionError as error:
            raise RuntimeBroken(f"engine {spec.name}, rung {rung.name!r}: {error}") from None


def _rungs(manifest: Manifest) -> list[Variation]:
    return [*manifest.first, *(rung for rungs in manifest.ladder.values() for rung in rungs)]

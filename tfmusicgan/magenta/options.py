"""What Magenta's GeneratorOptions ask for: a section, a seed, a model's controls."""

import dataclasses
import math
import secrets

from google.protobuf.message import Message

from tfmusicgan.errors import SequenceGeneratorError

# Of Magenta's beam search: with one beam that goes on by one step it is what our models do.
_ONE_BEAM = ("beam_size", "branch_factor", "steps_per_iteration")


@dataclasses.dataclass(frozen=True)
class Section:
    """A stretch of a piece.

    Attributes:
      start: In seconds, from 0.
      end: In seconds, after the start.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


@dataclasses.dataclass(frozen=True)
class Options:
    """GeneratorOptions as they are understood.

    Attributes:
      section: Where music is to be generated.
      given: Where the music is that the model is given; None is by the model's own rule.
      seed: Of the piece.
      controls: Name -> value.
    """

    section: Section
    given: Section | None
    seed: int
    controls: dict[str, bool | int | float | str | bytes]


def read_options(options: Message) -> Options:
    """Reads GeneratorOptions.

    Args:
      options: A `generator_pb2.GeneratorOptions`. `args["seed"]` is a whole number, as a text where
        it has more than 32 bits; without it every call draws another one.

    Raises:
      SequenceGeneratorError: If there is not one section to generate, more than one input section,
        a section without length, or an argument without a value.
    """
    if len(options.generate_sections) != 1:
        raise SequenceGeneratorError(
            "Expected one generate_sections message. Received: "
            f"{len(options.generate_sections)}. Call generate once for each section."
        )
    if len(options.input_sections) > 1:
        raise SequenceGeneratorError(
            f"Expected one input_sections message at most. Received: {len(options.input_sections)}."
        )
    given = [_section(section, "input_sections") for section in options.input_sections]
    args = {name: _value(name, value) for name, value in options.args.items()}
    for name in _ONE_BEAM:
        if (value := args.pop(name, 1)) != 1:
            raise SequenceGeneratorError(
                f"Expected {name} of 1: the models draw one piece and search for none. Received: "
                f"{value!r}."
            )
    seed = _seed(args.pop("seed")) if "seed" in args else secrets.randbelow(2**63)
    section = _section(options.generate_sections[0], "generate_sections")
    return Options(section, given[0] if given else None, seed, args)


def _section(section: Message, name: str) -> Section:
    start, end = section.start_time, section.end_time
    if not 0.0 <= start < end < math.inf:
        raise SequenceGeneratorError(
            f"Expected {name} with 0 <= start_time < end_time, in seconds. Received: {start:g} to "
            f"{end:g}."
        )
    return Section(start, end)


def _value(name: str, value: Message) -> bool | int | float | str | bytes:
    kind = value.WhichOneof("kind")
    if kind is None:
        raise SequenceGeneratorError(f"Expected a value of args[{name!r}]. Received: none.")
    return getattr(value, kind)


def _seed(value: object) -> int:
    try:
        seed = int(value) if isinstance(value, int | str) else None
    except ValueError:
        seed = None
    if seed is None or not -(2**63) <= seed < 2**63:
        raise SequenceGeneratorError(
            f"Expected args['seed'] that is a whole number below 2**63. Received: {value!r}."
        )
    return seed

"""What a MusicXML document says about time, read from its own measures.

note_seq's parser derives meters from sums of durations, keeps one tempo for all parts, and lets a
measure end wherever its last voice does. Here the document is walked first: measures get the length
of their longest voice in any part, and what the parser would misread (meters, keys, tempos) is
taken out of the document and reported separately.
"""

import dataclasses
import itertools
import xml.etree.ElementTree as ET
from fractions import Fraction

from tfmusicgan.note_sequences.musicxml_chords import shares
from tfmusicgan.note_sequences.transforms import MODE_TONICS

_LARGEST_NUMBER = 2**31 - 1  # Of a time signature: a NoteSequence holds no larger ones.


@dataclasses.dataclass(frozen=True)
class Key:
    """A key signature.

    Attributes:
      quarter: Where it stands, in quarter notes from the start.
      tonic: Sounding pitch class, 0 for C.
      mode: `"major"`, `"minor"`, ..., or "" where the document has none; the tonic is then that of
        the major key with these accidentals.
    """

    quarter: Fraction
    tonic: int
    mode: str


@dataclasses.dataclass
class Layout:
    """The document's time: see `take_layout`.

    Attributes:
      starts: Where each measure begins, in quarter notes.
      lengths: How long it is, in quarter notes.
      written_meters: Meters as written, by index of their measure.
      keys: In the order of time; of one time the first part's.
      tempos: Where and how many quarter notes a minute, in the order of time.
      harmonies: Where, semitones that the part sounds above what is written, and `harmony` element;
        in the order of time, and of one time in that of the parts.
    """

    starts: list[Fraction]
    lengths: list[Fraction]
    written_meters: dict[int, tuple[int, int]]
    keys: list[Key]
    tempos: list[tuple[Fraction, float]]
    harmonies: list[tuple[Fraction, int, ET.Element]] = dataclasses.field(default_factory=list)


def take_layout(root: ET.Element) -> Layout:
    """Walks all parts, makes their measures equally long, and takes time, key and tempo out.

    Args:
      root: A `score-partwise` element, changed in place: `time`, `key`, `harmony` and the `tempo`
        of `sound` are removed, and `forward` elements fill measures up where they end early.

    Returns:
      What was found.

    Raises:
      ValueError, AttributeError, TypeError, ZeroDivisionError: If durations, divisions, keys or
        meters are missing, not numbers, or out of range.
    """
    parts = [part.findall("measure") for part in root.findall("part")]
    lengths = [Fraction(0)] * max((len(measures) for measures in parts), default=0)
    walks = []
    for measures in parts:
        divisions = 1
        for index, measure in enumerate(measures):
            walk = _Walk(measure, divisions)
            divisions = walk.divisions
            lengths[index] = max(lengths[index], walk.length)
            walks.append((index, walk))
    starts = list(itertools.accumulate(lengths, initial=Fraction(0)))[:-1]
    layout = Layout(starts, lengths, {}, [], [])
    keys: dict[Fraction, Key] = {}
    tempos: dict[Fraction, float] = {}
    transposition = 0
    for index, walk in walks:
        walk.fill(lengths[index])
        if index == 0:
            transposition = 0
        transposition = walk.transposition if walk.transposition is not None else transposition
        if walk.meter:
            layout.written_meters.setdefault(index, walk.meter)
        for position, fifths, mode in walk.keys:
            tonic = (7 * fifths + MODE_TONICS.get(mode, 0) + transposition) % 12
            key = Key(starts[index] + position, tonic, mode if mode in MODE_TONICS else "")
            keys.setdefault(key.quarter, key)
        for position, qpm in walk.tempos:
            tempos.setdefault(starts[index] + position, qpm)
        for position, harmony in walk.harmonies:
            place = min(max(starts[index] + position, Fraction(0)), starts[-1] + lengths[-1])
            layout.harmonies.append((place, transposition, harmony))
    layout.keys = [keys[quarter] for quarter in sorted(keys)]
    layout.tempos = sorted(tempos.items())
    layout.harmonies.sort(key=lambda harmony: harmony[0])
    return layout


class _Walk:
    """One measure of one part.

    Attributes:
      divisions: Divisions of a quarter note at its end.
      length: Quarter notes from its start to the latest end of any voice.
      meter, keys, tempos, harmonies, transposition: What stands in it; positions in quarter notes
        from its start, transposition in semitones.
    """

    def __init__(self, measure: ET.Element, divisions: int):
        self.measure = measure
        self.divisions = divisions
        self.position = self.length = Fraction(0)
        self.meter: tuple[int, int] | None = None
        self.keys: list[tuple[Fraction, int, str]] = []
        self.tempos: list[tuple[Fraction, float]] = []
        self.harmonies: list[tuple[Fraction, ET.Element]] = []
        self._num_together = 0  # Chords that no note or rest and no offset sets apart so far.
        self.transposition: int | None = None
        for element in list(measure):
            if element.tag == "attributes":
                self._attributes(element)
            elif element.tag in ("direction", "sound"):
                for sound in element.iter("sound"):
                    self._sound(sound)
            elif element.tag in ("note", "forward", "backup"):
                self._move(element)
            elif element.tag == "harmony":
                measure.remove(element)
                self._harmony(element)

    def _move(self, element: ET.Element) -> None:
        if element.find("chord") is not None or element.find("duration") is None:
            return
        step = Fraction(int(element.findtext("duration")), self.divisions)
        if element.tag != "backup" and self._num_together > 1:
            together = self.harmonies[-self._num_together :]
            offsets = shares(self._num_together, step)
            apart = [
                (place + more, one) for (place, one), more in zip(together, offsets, strict=True)
            ]
            self.harmonies[-self._num_together :] = apart
        self._num_together = 0
        self.position += -step if element.tag == "backup" else step
        self.length = max(self.length, self.position)

    def _harmony(self, element: ET.Element) -> None:
        offset = element.find("offset")
        divisions = Fraction(0 if offset is None else float(offset.text or 0))
        self.harmonies.append((self.position + divisions / self.divisions, element))
        self._num_together = self._num_together + 1 if offset is None else 0

    def _attributes(self, element: ET.Element) -> None:
        if element.find("divisions") is not None:
            self.divisions = int(element.findtext("divisions"))
        if element.find("transpose") is not None:
            self.transposition = int(element.findtext("transpose/chromatic"))
        for time in element.findall("time"):
            element.remove(time)
            self.meter = self.meter or _written_meter(time)
        for key in element.findall("key"):
            element.remove(key)
            if key.find("fifths") is not None:
                mode = (key.findtext("mode") or "").strip().lower()
                self.keys.append((self.position, int(key.findtext("fifths")), mode))

    def _sound(self, sound: ET.Element) -> None:
        qpm = float(sound.attrib.pop("tempo", 0))
        if 0 < qpm < float("inf"):
            self.tempos.append((self.position, qpm))

    def fill(self, length: Fraction) -> None:
        """Moves the end of the measure to `length` quarter notes after its start."""
        missing = (length - self.position) * self.divisions
        if missing and missing.denominator == 1:
            forward = ET.SubElement(self.measure, "forward")
            ET.SubElement(forward, "duration").text = str(missing.numerator)


def _written_meter(time: ET.Element) -> tuple[int, int] | None:
    """(beats, beat type) of a `time` element; composite meters are added up (3+2/8: 5/8)."""
    beats = [element.text or "" for element in time.findall("beats")]
    types = {int(element.text or "") for element in time.findall("beat-type")}
    if not beats or len(types) != 1:
        return None
    numerator = sum(int(number) for text in beats for number in text.split("+"))
    denominator = types.pop()
    if not (1 <= numerator <= _LARGEST_NUMBER and 1 <= denominator <= _LARGEST_NUMBER):
        raise ValueError(f"meter {numerator}/{denominator}")
    return numerator, denominator

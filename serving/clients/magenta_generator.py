"""Goes on with a MIDI file, or accompanies it, by the interface of Magenta's SequenceGenerators.

With a folder in place of the address it runs that SavedModel in this process, with TensorFlow.

  python serving/clients/magenta_generator.py 127.0.0.1:8500 tunes beginning.mid 4 12
  python serving/clients/magenta_generator.py serving/models harmony melody.mid 0 16
"""

import contextlib
import pathlib
import sys

from note_seq import midi_file_to_note_sequence, sequence_proto_to_midi_file
from note_seq.protobuf import generator_pb2

from tfmusicgan.client import MusicClient
from tfmusicgan.magenta import LocalSequenceGenerator, ServedSequenceGenerator


def main(where: str, model: str, music: str, start: str, end: str, seed: str = "0") -> None:
    """Writes section.mid, with generated music from `start` to `end`, in seconds."""
    options = generator_pb2.GeneratorOptions()
    options.generate_sections.add(start_time=float(start), end_time=float(end))
    options.args["temperature"].float_value = 1.0
    options.args["seed"].string_value = seed
    with contextlib.ExitStack() as stack:
        if pathlib.Path(where).is_dir():
            generator = LocalSequenceGenerator(pathlib.Path(where) / model)
        else:
            client = stack.enter_context(MusicClient(where))
            generator = ServedSequenceGenerator(client, model)
        stack.enter_context(generator)
        piece = generator.generate(midi_file_to_note_sequence(music), options)
    sequence_proto_to_midi_file(piece, "section.mid")
    print("section.mid")


if __name__ == "__main__":
    main(*sys.argv[1:])

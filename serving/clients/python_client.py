"""Asks for pieces with the suite's client, or for one long piece phrase by phrase.

Works against the stock server and tfmusicgan-serve alike, and imports no TensorFlow.

  python serving/clients/python_client.py 127.0.0.1:8500 chorales 4
  python serving/clients/python_client.py 127.0.0.1:8500 chorales 1 16
"""

import asyncio
import sys

from tfmusicgan.client import AsyncMusicClient, MusicClient
from tfmusicgan.note_sequences.midi import write_midi
from tfmusicgan.note_sequences.proto import NoteSequence


def write_pieces(address: str, model: str, num_pieces: int) -> None:
    """Writes piece_0.mid, piece_1.mid ... into the current folder."""
    with MusicClient(address, timeout_seconds=60) as client:
        client.wait_until_ready(model)
        for number, piece in enumerate(client.generate(model, seeds=range(num_pieces))):
            write_midi(piece, f"piece_{number}.mid")
            print(f"piece_{number}.mid")


async def write_long_piece(address: str, model: str, num_phrases: int) -> None:
    """Writes piece.mid, and says of each phrase that it is there as soon as it is."""
    piece = NoteSequence()
    async with AsyncMusicClient(address, timeout_seconds=60) as client:
        await client.wait_until_ready(model)
        async for phrase in client.stream_phrases(model, seed=0, num_phrases=num_phrases):
            print(f"{len(phrase.notes)} notes to {phrase.total_time:.1f} s", flush=True)
            # Tempo, meter and instruments are in every phrase, and the same.
            notes = [*piece.notes, *phrase.notes]
            piece.CopyFrom(phrase)
            del piece.notes[:]
            piece.notes.extend(notes)
    write_midi(piece, "piece.mid")
    print("piece.mid")


def main(address: str, model: str, num_pieces: str, num_phrases: str = "") -> None:
    """Several pieces, or one of several phrases."""
    if num_phrases:
        asyncio.run(write_long_piece(address, model, int(num_phrases)))
    else:
        write_pieces(address, model, int(num_pieces))


if __name__ == "__main__":
    main(*sys.argv[1:])

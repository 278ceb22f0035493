"""What people call pitches, General MIDI programs and drums.

Source: General MIDI System Level 1 (MIDI Manufacturers Association, 1991), tables 2 and 3.
"""

from tfmusicgan.note_sequences.proto import NoteSequence

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

_PROGRAM_TABLE = """
Acoustic Grand Piano, Bright Acoustic Piano, Electric Grand Piano, Honky-tonk Piano,
Electric Piano 1, Electric Piano 2, Harpsichord, Clavinet,
Celesta, Glockenspiel, Music Box, Vibraphone, Marimba, Xylophone, Tubular Bells, Dulcimer,
Drawbar Organ, Percussive Organ, Rock Organ, Church Organ, Reed Organ, Accordion, Harmonica,
Tango Accordion, Nylon Guitar, Steel Guitar, Jazz Guitar, Clean Electric Guitar,
Muted Electric Guitar, Overdriven Guitar, Distortion Guitar, Guitar Harmonics,
Acoustic Bass, Fingered Bass, Picked Bass, Fretless Bass, Slap Bass 1, Slap Bass 2,
Synth Bass 1, Synth Bass 2, Violin, Viola, Cello, Contrabass, Tremolo Strings,
Pizzicato Strings, Orchestral Harp, Timpani, String Ensemble 1, String Ensemble 2,
Synth Strings 1, Synth Strings 2, Choir Aahs, Voice Oohs, Synth Voice, Orchestra Hit,
Trumpet, Trombone, Tuba, Muted Trumpet, French Horn, Brass Section, Synth Brass 1, Synth Brass 2,
Soprano Sax, Alto Sax, Tenor Sax, Baritone Sax, Oboe, English Horn, Bassoon, Clarinet,
Piccolo, Flute, Recorder, Pan Flute, Blown Bottle, Shakuhachi, Whistle, Ocarina,
Square Lead, Sawtooth Lead, Calliope Lead, Chiff Lead, Charang Lead, Voice Lead, Fifths Lead,
Bass and Lead, New Age Pad, Warm Pad, Polysynth Pad, Choir Pad, Bowed Pad, Metallic Pad,
Halo Pad, Sweep Pad, Rain, Soundtrack, Crystal, Atmosphere, Brightness, Goblins, Echoes, Sci-fi,
Sitar, Banjo, Shamisen, Koto, Kalimba, Bagpipe, Fiddle, Shanai,
Tinkle Bell, Agogo, Steel Drums, Woodblock, Taiko Drum, Melodic Tom, Synth Drum, Reverse Cymbal,
Guitar Fret Noise, Breath Noise, Seashore, Bird Tweet, Telephone Ring, Helicopter, Applause,
Gunshot
"""
PROGRAMS = tuple(name.strip() for name in _PROGRAM_TABLE.split(","))

_FIRST_DRUM = 35
_DRUM_TABLE = """
Bass Drum 2, Bass Drum 1, Side Stick, Snare 1, Hand Clap, Snare 2, Low Floor Tom, Closed Hi-hat,
High Floor Tom, Pedal Hi-hat, Low Tom, Open Hi-hat, Low-mid Tom, High-mid Tom, Crash 1, High Tom,
Ride 1, China Cymbal, Ride Bell, Tambourine, Splash, Cowbell, Crash 2, Vibraslap, Ride 2,
High Bongo, Low Bongo, Mute High Conga, Open High Conga, Low Conga, High Timbale, Low Timbale,
High Agogo, Low Agogo, Cabasa, Maracas, Short Whistle, Long Whistle, Short Guiro, Long Guiro,
Claves, High Woodblock, Low Woodblock, Mute Cuica, Open Cuica, Mute Triangle, Open Triangle
"""
DRUMS = tuple(name.strip() for name in _DRUM_TABLE.split(","))


def pitch_name(pitch: int) -> str:
    """Name and octave of a MIDI pitch; 60 is C4 (middle C), 69 is A4."""
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def drum_name(pitch: int) -> str:
    """The General MIDI drum on a key, or the pitch's number outside 35 to 81."""
    index = pitch - _FIRST_DRUM
    return DRUMS[index] if 0 <= index < len(DRUMS) else f"Drum {pitch}"


def track_names(sequence: NoteSequence) -> dict[tuple[int, int, bool], str]:
    """Names every track, a track being one (instrument, program, is_drum) that has notes.

    The sequence's own name for the instrument comes first, then "Drums" or the program's General
    MIDI name; equal names are numbered.

    Args:
      sequence: The music.

    Returns:
      Track -> name, pitched tracks in order of instrument, drums last.
    """
    tracks = {(note.instrument, note.program, note.is_drum) for note in sequence.notes}
    given = {info.instrument: info.name.strip() for info in sequence.instrument_infos}
    names = {}
    for instrument, program, is_drum in sorted(tracks, key=lambda t: (t[2], t[0], t[1])):
        general = PROGRAMS[program] if 0 <= program < len(PROGRAMS) else f"Program {program}"
        name = given.get(instrument) or ("Drums" if is_drum else general)
        names[instrument, program, is_drum] = name
    repeated = {name for name in names.values() if list(names.values()).count(name) > 1}
    seen: dict[str, int] = {}
    for track, name in names.items():
        if name in repeated:
            seen[name] = seen.get(name, 0) + 1
            names[track] = f"{name} {seen[name]}"
    return names

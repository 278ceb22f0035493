"""Samples many pieces from an exported model, without a server.

  tfmusicgan-sample --model=serving/models/musegan_hybrid --num=100000 --seed=7 --output=samples

The output is a folder of TFRecords with a manifest.json: of NoteSequences (readable by Magenta),
and optionally one MIDI file for each sample; or of sounds, and optionally one WAV file for each.
"""

from tfmusicgan.cli.app import Command

COMMAND = Command(
    "tfmusicgan-sample",
    "samples many pieces from an exported model, without a server, into sharded TFRecords of"
    " NoteSequences or sounds.\nSample i depends only on the seed and i: a server gives the same"
    " piece for row seed (seed << 32) + i.\nAn interrupted run goes on when the same command is"
    " given again.",
    examples=(
        "tfmusicgan-sample --model=serving/models/musegan_hybrid --num=1000 --output=samples",
        "tfmusicgan-sample --model=serving/models/musegan_hybrid/1 --num=100000 --seed=7"
        " --output=samples --workers=2 --midi",
        "tfmusicgan-sample --model=serving/models/musegan_hybrid --num=64 --output=slow"
        " --control=qpm=70 --control=num_phrases=8",
        "tfmusicgan-sample --model=serving/models/musegan_hybrid_accompaniment --num=10"
        " --accompany=melodies --output=bands",
        "tfmusicgan-sample --model=serving/models/gansynth --num=5000 --control=pitch=60 --wav"
        " --output=notes",
    ),
)
MODEL = COMMAND.string(
    "model", None, "Folder of an exported model (its highest version is taken) or of one version."
)
NUM = COMMAND.integer(
    "num", None, "Number of samples; with given music for each piece.", lower=1, upper=2**32
)
SEED = COMMAND.integer("seed", 0, "Seed of the whole set.", lower=0, upper=2**31 - 1)
OUTPUT = COMMAND.string("output", None, "Folder to make, on this machine's file system.")
BATCH_SIZE = COMMAND.integer(
    "batch_size", 64, "Samples in one call of the model.", lower=1, upper=2**16
)
SHARD_SIZE = COMMAND.integer("shard_size", 10_000, "Samples in one shard.", lower=1)
MIDI = COMMAND.boolean(
    "midi", False, "Also write one MIDI file for each sample, of a model of NoteSequences."
)
WAV = COMMAND.boolean(
    "wav", False, "Also write one WAV file for each sample, of a model of sounds."
)
SIGNATURE = COMMAND.string(
    "signature",
    None,
    "Signature of the model to call; by default accompany or continue with music, with controls"
    " generate (synthesize of a model of sounds), else serving_default.",
)
CONTROL = COMMAND.repeated(
    "control",
    "name=value: a control of the signature, as the model's card lists them; may be given several"
    " times.",
)
ACCOMPANY = COMMAND.string(
    "accompany",
    None,
    "Music to accompany: a file, a folder with all folders within, or a glob of MIDI, MusicXML, ABC"
    " and NoteSequence TFRecord files; every piece in them gets --num samples.",
)
CONTINUE = COMMAND.string("continue", None, "Music to go on with, named as for --accompany.")
WORKERS = COMMAND.integer("workers", 1, "Processes on this machine.", lower=1, upper=1024)
RUNNER = COMMAND.string(
    "runner", "embedded", "embedded (on this machine), or the name of any other Beam runner."
)
BEAM_OPTIONS = COMMAND.string(
    "beam_options", "", "Beam's own options in one text, e.g. --beam_options='--region=eu'."
)
OVERWRITE = COMMAND.boolean(
    "overwrite", False, "Replace --output, and drop an unfinished run with other options."
)

_COUNTED = {
    "samples": "samples",
    "notes": "notes",
    "without_notes": "samples without a note",
    "silent": "silent sounds",
}


def _execute() -> None:
    COMMAND.require(MODEL, NUM, OUTPUT)
    from tfmusicgan import bulk_sampling
    from tfmusicgan.errors import ConfigError
    from tfmusicgan.serving.exported import find_export
    from tfmusicgan.serving.given_music import list_pieces

    music = [flag for flag in (ACCOMPANY, CONTINUE) if flag.value]
    if len(music) > 1:
        raise ConfigError("Expected --accompany or --continue. Received: both.")
    if MIDI.value and WAV.value:
        raise ConfigError("Expected --midi or --wav. Received: both.")
    extra_files = next((flag.name for flag in (MIDI, WAV) if flag.value), None)
    bulk_sampling.require_local(MODEL.value, "model")
    bulk_sampling.check_output(OUTPUT.value, OVERWRITE.value)
    export = find_export(MODEL.value)
    pieces = list_pieces(music[0].value) if music else []
    by_default = music[0].name if music else None
    plan = bulk_sampling.make_plan(
        export,
        SIGNATURE.value
        or by_default
        or bulk_sampling.default_signature(export, bool(CONTROL.value)),
        CONTROL.value,
        pieces,
        seed=SEED.value,
        num=NUM.value * max(1, len(pieces)),
        batch_size=BATCH_SIZE.value,
        shard_size=SHARD_SIZE.value,
        extra_files=extra_files,
    )
    print(
        f"Sampling {plan.num:,} {plan.answers} from {plan.model} version {plan.version}, signature"
        f" {plan.signature}, seed {plan.seed}, into {plan.num_shards} shards of {OUTPUT.value}."
    )
    manifest = bulk_sampling.sample_to_folder(
        plan,
        export,
        OUTPUT.value,
        workers=WORKERS.value,
        runner=RUNNER.value,
        beam_options=BEAM_OPTIONS.value,
        overwrite=OVERWRITE.value,
    )
    counts = manifest["counts"]
    found = ", ".join(
        f"{counts[name]:,} {words}" for name, words in _COUNTED.items() if name in counts
    )
    print(f"{OUTPUT.value}: {found}.")


main = COMMAND.entry_point(_execute)

if __name__ == "__main__":
    main()

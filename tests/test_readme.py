"""Every command of the README, in its order, at toy size and in one process."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests import made_up

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

# What makes a README command small; everything else runs as it is written.
TOY = (
    ("--preset=small", "--preset=tiny"),
    ("--preset=paper", "--preset=tiny"),
    ("MIDI_FOLDER", "music"),
    ("--num=100000", "--num=70"),
    ("--model=chorales --num=4", "--server={server} --model=chorales --num=2"),
    ("--model_root=serving/models", "--model_root=serving/models --port=0"),
    # Barely trained, it plays softly; or all keys for half a minute, whose sound takes long.
    ("--control=threshold=0.6", "--control=threshold=0.4 --formats=midi,png"),
    (
        "--model=harmony --accompany=MELODY.mid",
        "--server={server} --model=harmony --accompany=voices/0.mid --formats=midi",
    ),
    # The chorales take 15 s to read: four made-up voices do as well.
    (
        "tfmusicgan-convert --recipe=musegan_hybrid_chorales",
        "tfmusicgan-convert --recipe=musegan_hybrid_chorales --input=voices",
    ),
    ("tfmusicgan-evaluate", "tfmusicgan-evaluate --num_phrases=20"),
    # Of the soundfont's programs, some.
    (
        "--recipe=gansynth_soundfont --preset=tiny --output",
        "--recipe=gansynth_soundfont --preset=tiny --only=programs.txt --output",
    ),
    # Melodies of a few bars.
    (
        "--recipe=seqgan_nottingham --preset=tiny --input=music",
        "--recipe=seqgan_nottingham --preset=tiny --input=voices",
    ),
)

# Runs commands one after the other; `tfmusicgan-serve` in a process beside them.
DRIVER = """
import importlib, json, re, subprocess, sys
server = None
try:
    for words in json.load(sys.stdin):
        words = [word.replace("{server}", address) if server else word for word in words]
        print("+", *words, flush=True)
        name = words[0].removeprefix("tfmusicgan-")
        if name == "serve":
            code = "from tfmusicgan.cli.serve import main; main(%r)" % (words[1:],)
            started = [sys.executable, "-c", code]
            server = subprocess.Popen(started, stdout=subprocess.PIPE, text=True)
            address = re.search(r"[0-9.]+:[0-9]+", server.stdout.readline()).group()
            continue
        try:
            importlib.import_module("tfmusicgan.cli." + name).main(words[1:])
        except SystemExit as stop:
            if stop.code:
                sys.exit(f"{words} exited with {stop.code}")
finally:
    if server:
        server.kill()
"""


def readme_commands() -> list[str]:
    """The commands in code spans and code blocks, without placeholders for the reader."""
    found = re.findall(r"`(tfmusicgan-[a-z]+(?: [^`]*)?)`", README)
    return [command for command in found if "..." not in command and "NAME" not in command]


def _toy(command: str) -> list[str]:
    for old, new in TOY:
        command = command.replace(old, new)
    return shlex.split(command)


@pytest.mark.slow
def test_every_command_runs(tmp_path):
    from tfmusicgan.note_sequences.midi import write_midi

    for folder, maker in (("music", made_up.band), ("voices", made_up.chorale)):
        (tmp_path / folder).mkdir()
        for number in range(12):
            write_midi(maker(number), tmp_path / folder / f"{number}.mid")
    (tmp_path / "programs.txt").write_text("006_harpsichord\n008_celesta\n011_vibraphone\n")
    commands = [
        command for command in readme_commands() if command.count(" ") or command[-1] == "s"
    ]
    names = {command.split()[0] for command in commands}
    assert names == {
        f"tfmusicgan-{name}"
        for name in ("recipes", "datasets", "convert", "train", "evaluate", "export", "serve",
                     "generate", "sample")
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([_toy(command) for command in commands]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (tmp_path / "runs/chorales/evaluation.json").exists()
    assert (tmp_path / "serving/models/chorales/1/saved_model.pb").exists()
    assert len(list((tmp_path / "out/chorales").glob("*.mid"))) == 2
    assert len(list((tmp_path / "samples").glob("*.tfrecord*"))) >= 1


def test_the_scripts_of_the_readme_are_there():
    for name in re.findall(r"\./(scripts/[a-z_/]+\.sh)", README):
        assert os.access(ROOT / name, os.X_OK), name


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_no_page_holds_both_sides_of_a_merge():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("t*/**/*.md"), *ROOT.glob("s*/**/*.md")]
    assert ROOT / "tfrecords/FORMAT.md" in pages
    for page in pages:
        assert not re.search(r"^(<{7}|>{7}) ", page.read_text(encoding="utf-8"), re.M), page
